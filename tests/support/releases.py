"""Two models that answer differently, as signed bundles in stores; services that are served from there."""

import re
import struct
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from binding.library import Library
from bundle.deadline import Deadline
from bundle.fetch import read_directory
from bundle.publish import move, next_pointer, position, publish
from bundle.signing.private import SigningKey
from bundle.stores.opening import open_store
from bundle.stores.store import Store
from bundle.verify import IN_PLACE, Trust, Wanted
from compile.reading.booster import read_model
from contract.certificate import Certificate
from contract.manifest import MODEL_FILE, Digest, Golden, Manifest, encode, platform_name
from contract.reading import PENGUINS, read_contract
from contract.trees import TREES_FILE
from contract.uncertainty import UNCERTAINTY_FILE
from tests.support.bundles import put_manifest
from tests.support.commands import EXAMPLE
from tests.support.libraries import WALK, built
from tests.support.service import Service, lines

ALL = Wanted(all_platforms=True)
FAST = {"FOLLOW_SECONDS": "0.05", "MAX_REQUESTS_PER_CONNECTION": "1000000"}  # of a service that follows a channel
CLASSES = read_contract(PENGUINS).output.classes
INFER = "/v2/models/penguin/infer"


class Release(NamedTuple):
    """A signed bundle in a directory."""

    directory: Path
    digest: str
    manifest: Manifest

    @property
    def golden(self) -> Golden:
        return self.manifest.golden


def sign_copy(bundle: Path, out: Path, key: SigningKey) -> Release:
    """Copy a compiled bundle and sign it."""
    verified = read_directory(bundle, IN_PLACE, ALL)
    return _write(verified.manifest, verified.files, out, key)


def of_first_rounds(rounds: int, model: Path, bundle: Path, directory: Path, key: SigningKey) -> Release:
    """Make a bundle of the model's first rounds: it is sound and answers every row otherwise."""
    path, contract = directory / "model.json", read_contract(PENGUINS)
    read_model(model).booster[:rounds].save_model(path)
    image = built(read_model(path, contract=contract), directory / "build", WALK)
    return with_library(bundle, directory / "bundle", key, image, path.read_bytes())


def with_library(bundle: Path, out: Path, key: SigningKey, image: bytes, model: bytes) -> Release:
    """Make a bundle of another model with this library, whose answer is the golden answer."""
    verified = read_directory(bundle, IN_PLACE, ALL)
    library = Library(image, CLASSES)
    row = verified.manifest.golden.measurements
    label = library.predict(row)[0]
    target = verified.manifest.platforms[platform_name()]
    certificate = encode(
        msgspec.structs.replace(
            msgspec.json.decode(verified.files[target.certificate], type=Certificate),
            model_sha256=Digest.of(model).sha256,
            library_sha256=Digest.of(image).sha256,
        )
    )
    own = {name: data for name, data in verified.files.items() if name not in (UNCERTAINTY_FILE, TREES_FILE)}
    files = {**own, MODEL_FILE: model, target.library: image, target.certificate: certificate}
    manifest = msgspec.structs.replace(
        verified.manifest,
        bundle_version="other",
        model_sha256=Digest.of(model).sha256,
        golden=Golden(row, tuple(library.margins), label),
        platforms={platform_name(): msgspec.structs.replace(target, certificate_sha256=Digest.of(certificate).sha256)},
    )
    return _write(manifest, files, out, key)


def with_golden(release: Release, out: Path, key: SigningKey) -> Release:
    """Make a signed bundle whose golden answer is wrong, so that it must not be served."""
    files = read_directory(release.directory, IN_PLACE, ALL).files
    golden = msgspec.structs.replace(release.golden, margins=(0.0, 0.0, 0.0))
    return _write(msgspec.structs.replace(release.manifest, golden=golden, bundle_version="bad"), files, out, key)


def relabelled(release: Release, out: Path, key: SigningKey, label: str = "next") -> Release:
    """Make another bundle of the same model."""
    files = read_directory(release.directory, IN_PLACE, ALL).files
    return _write(msgspec.structs.replace(release.manifest, bundle_version=label), files, out, key)


def _write(manifest: Manifest, files: dict[str, bytes], out: Path, key: SigningKey) -> Release:
    out.mkdir(parents=True)
    for name, data in files.items():
        (out / name).write_bytes(data)
    whole = msgspec.structs.replace(manifest, files={name: Digest.of(data) for name, data in files.items()})
    digest = put_manifest(out, encode(whole), key)
    return Release(out, digest, whole)


class Shop:
    """A store, and the key that signs for it."""

    def __init__(self, place: str, key: SigningKey) -> None:
        self.place = place
        self.key = key
        self.trust = Trust((key.public,))

    @property
    def stable(self) -> str:
        return f"{self.place}#stable"

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a service that trusts this store's key."""
        return {"ALLOW_UNSIGNED_BUNDLES": "", "TRUSTED_KEYS": str(self.key.public), **more}

    def publish(self, release: Release) -> None:
        store = open_store(self.place)
        publish(store, read_directory(release.directory, self.trust, ALL), Deadline(10), lambda *_: None)
        store.close()

    def promote(self, release: Release, now: datetime | None = None, days: float = 30, channel: str = "stable") -> None:
        """Point the channel at the release."""
        store = open_store(self.place)
        self._move(store, release, now or datetime.now(UTC), days, channel)
        store.close()

    def _move(self, store: Store, release: Release, now: datetime, days: float, channel: str) -> None:
        before = position(store, channel, self.trust, Deadline(10))
        pointer = next_pointer(channel, before.pointer, release.manifest, release.digest, now, days, None)
        move(store, pointer, before.generation, [self.key], Deadline(10))

    def release(self, release: Release) -> None:
        """Publish the release and promote it."""
        self.publish(release)
        self.promote(release)


def said(service: Service, pattern: str) -> str:
    """Return the next line of the service's log that matches the pattern."""
    before = []
    while service.heard:
        if re.search(pattern, line := service.heard.pop(0)):
            return line
        before.append(line)
    for line in lines(service.process):
        if re.search(pattern, line):
            return line
        before.append(line)
    raise AssertionError(f"it never said {pattern!r}:\n{''.join(before)}")


def until_ready(service: Service, seconds: float = 60) -> None:
    """Return once the service can predict: it listens before it has a bundle."""
    until = time.monotonic() + seconds
    while (reply := service.request("GET", "/health/ready")).status != 200:
        assert reply.status == 503
        assert service.request("GET", "/health/live").status == 200
        assert time.monotonic() < until, reply.document
        time.sleep(0.005)


def assert_serves(service: Service, release: Release) -> None:
    """Check that the service is ready and answers the golden row as this release does, bit for bit."""
    assert service.request("GET", "/health/live").status == 200
    assert service.request("GET", "/health/ready").status == 200
    assert service.request("GET", "/v2/health/ready").status == 200
    row = release.golden.measurements
    body = struct.pack(f"={len(row)}f", *row)
    tensor = {"name": "measurements", "datatype": "FP32", "shape": [1, len(row)], "data": list(row)}
    asked = msgspec.json.encode({"inputs": [tensor], "outputs": [{"name": "margin"}, {"name": "label"}]})
    reply = service.request("POST", INFER, asked)
    assert reply.headers["model-version"] == release.digest
    margin, label = reply.document["outputs"]
    assert struct.pack("=3f", *margin["data"]) == struct.pack("=3f", *release.golden.margins)
    assert label["data"] == [release.golden.label]
    assert len(body) == 16
    predicted = service.predict(dict(zip(EXAMPLE, row, strict=True)))
    assert (predicted.headers["model-version"], predicted.document["prediction"]) == (
        release.digest,
        release.golden.label,
    )
    model = service.request("GET", "/model")
    assert (model.headers["model-version"], model.document["version"]) == (release.digest, release.digest)


def until_served(service: Service, release: Release) -> None:
    """Ask until this release answers, and check that every answer on the way is whole."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        reply = service.predict(EXAMPLE)
        assert reply.status == 200
        if reply.headers["model-version"] == release.digest:
            return
    raise AssertionError(f"{release.digest} was never served")


def assert_unready(service: Service, told: str, retried: bool = True) -> None:
    """Check that the service is live and answers 503 with this text at every door."""
    assert service.request("GET", "/health/live").status == 200
    assert service.request("GET", "/v2/health/live").status == 200
    problems = [service.predict(EXAMPLE), service.predict(b"{}"), service.request("GET", "/model")]
    problems += [service.request("GET", "/health/ready")]
    for reply in problems:
        assert (reply.status, reply.headers["content-type"]) == (503, "application/problem+json")
        assert told in reply.document["detail"]
        assert ("retry-after" in reply.headers) == retried
        assert "model-version" not in reply.headers
    reply = service.request("POST", INFER, b"{}")
    assert (reply.status, told in reply.document["error"]) == (503, True)
    for path in ("/v2/health/ready", "/v2/models/penguin/ready"):
        reply = service.request("GET", path)
        assert (reply.status, reply.document["ready"]) == (503, False)
