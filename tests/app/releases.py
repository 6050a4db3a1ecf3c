"""Two models that answer differently, as signed bundles in stores; services that are served from there."""

import re
import struct
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from app.library import Library
from bundle.deadline import Deadline
from bundle.fetch import read_directory
from bundle.keys import SigningKey
from bundle.publish import move, next_pointer, position, publish
from bundle.store import Store, open_store
from bundle.verify import IN_PLACE, Trust, Wanted
from compile.booster import read_model
from contract.certificate import Certificate
from contract.manifest import CONTRACT, MODEL_FILE, Digest, Golden, Manifest, encode, platform_name
from contract.reference import REFERENCE_FILE
from contract.trees import TREES_FILE
from tests.bundle.making import put_manifest
from tests.commands import EXAMPLE
from tests.compile.building import WALK, built
from tests.service import Service, lines

ALL = Wanted(all_platforms=True)


class Release(NamedTuple):
    """A signed bundle. `body` is what it answers to the example, to the last digit."""

    directory: Path
    digest: str
    manifest: Manifest

    @property
    def golden(self) -> Golden:
        return self.manifest.golden


def sign_copy(bundle: Path, out: Path, key: SigningKey) -> Release:
    """A compiled bundle, signed."""
    verified = read_directory(bundle, IN_PLACE, ALL)
    return _write(verified.manifest, verified.files, out, key)


def of_first_rounds(rounds: int, model: Path, bundle: Path, directory: Path, key: SigningKey) -> Release:
    """The first rounds of the model: sound, and it answers every row otherwise."""
    path = directory / "model.json"
    read_model(model).booster[:rounds].save_model(path)
    image = built(read_model(path), directory / "build", WALK)
    return with_library(bundle, directory / "bundle", key, image, path.read_bytes())


def with_library(bundle: Path, out: Path, key: SigningKey, image: bytes, model: bytes) -> Release:
    """The bundle of another model, whose library this is; its golden answer is what that says."""
    verified = read_directory(bundle, IN_PLACE, ALL)
    library = Library(image, CONTRACT.classes)
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
    own = {name: data for name, data in verified.files.items() if name not in (REFERENCE_FILE, TREES_FILE)}
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
    """The same with a golden answer that its library does not give: signed, verified, and not to be served."""
    files = read_directory(release.directory, IN_PLACE, ALL).files
    golden = msgspec.structs.replace(release.golden, margins=(0.0, 0.0, 0.0))
    return _write(msgspec.structs.replace(release.manifest, golden=golden, bundle_version="bad"), files, out, key)


def relabelled(release: Release, out: Path, key: SigningKey, label: str = "next") -> Release:
    """The same model as another bundle."""
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
    """A store and who may sign for it."""

    def __init__(self, place: str, key: SigningKey) -> None:
        self.place = place
        self.key = key
        self.trust = Trust((key.public,))

    @property
    def stable(self) -> str:
        return f"{self.place}#stable"

    def environment(self, **more: str) -> dict[str, str]:
        """What a service is told."""
        return {"ALLOW_UNSIGNED_BUNDLES": "", "TRUSTED_KEYS": str(self.key.public), **more}

    def publish(self, release: Release) -> None:
        store = open_store(self.place)
        publish(store, read_directory(release.directory, self.trust, ALL), Deadline(10), lambda *_: None)
        store.close()

    def promote(self, release: Release, now: datetime | None = None, days: float = 30, channel: str = "stable") -> None:
        """Point the channel there."""
        store = open_store(self.place)
        self._move(store, release, now or datetime.now(UTC), days, channel)
        store.close()

    def _move(self, store: Store, release: Release, now: datetime, days: float, channel: str) -> None:
        before = position(store, channel, self.trust, Deadline(10))
        pointer = next_pointer(channel, before.pointer, release.manifest, release.digest, now, days, None)
        move(store, pointer, before.generation, [self.key], Deadline(10))

    def release(self, release: Release) -> None:
        """Both."""
        self.publish(release)
        self.promote(release)


def said(service: Service, pattern: str) -> str:
    """The next line of its log that has this in it."""
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


def until_ready(service: Service, seconds: float = 20) -> None:
    """Return once it can predict: it listens before it has what is in a store."""
    until = time.monotonic() + seconds
    while (reply := service.request("GET", "/health/ready")).status != 200:
        assert reply.status == 503
        assert service.request("GET", "/health/live").status == 200
        assert time.monotonic() < until, reply.document
        time.sleep(0.005)


def assert_serves(service: Service, release: Release) -> None:
    """Live and ready, and the golden row is answered by this model, bit for bit, at every door."""
    assert service.request("GET", "/health/live").status == 200
    assert service.request("GET", "/health/ready").status == 200
    assert service.request("GET", "/v2/health/ready").status == 200
    row = release.golden.measurements
    body = struct.pack(f"={len(row)}f", *row)
    tensor = {"name": "measurements", "datatype": "FP32", "shape": [1, len(row)], "data": list(row)}
    asked = msgspec.json.encode({"inputs": [tensor], "outputs": [{"name": "margin"}, {"name": "label"}]})
    reply = service.request("POST", "/v2/models/penguin/infer", asked)
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
