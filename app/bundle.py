"""Reading a bundle: every byte is checked before any of it runs."""

from pathlib import Path

import msgspec

from app.library import Library
from contract.certificate import CERTIFICATE_FILE, Certificate
from contract.manifest import (
    CONTRACT,
    MANIFEST_FILE,
    MODEL_FILE,
    TRAINING_FILE,
    Digest,
    Manifest,
    decode_manifest,
    difference,
    platform_name,
)
from contract.refusal import Refusal
from contract.training import TrainingSummary

AGAIN = "make the bundle again: make compile"


class Bundle(msgspec.Struct, frozen=True):
    """A model that is loaded and has given its golden answer. `version` is the SHA-256 of the manifest."""

    version: str
    manifest: Manifest
    certificate: Certificate
    library: Library
    training: TrainingSummary | None


def load_bundle(directory: Path) -> Bundle:
    """Read, check and load the bundle. Raises Refusal, naming the file, what was expected and what was found."""
    resolved = directory.resolve()  # `directory` may be moved to another bundle while we read
    encoded = _read(resolved / MANIFEST_FILE)
    manifest = decode_manifest(encoded, str(directory / MANIFEST_FILE))
    mismatch = difference(CONTRACT, manifest.interface)
    if mismatch:
        raise Refusal(f"{directory} was built for another contract: {mismatch}; {AGAIN}")
    files = {name: _read_verified(resolved, name, digest) for name, digest in manifest.files.items()}
    library_file = _library_file(manifest, directory)
    certificate = _certificate(files, manifest.files, library_file, directory)
    library = Library(files[library_file])
    # Only what was certified runs: this processor may know more than the one that compiled.
    library.instruction_sets = min(library.instruction_sets, len(certificate.instruction_sets))
    _check_golden(library, manifest, directory)
    return Bundle(Digest.of(encoded).sha256, manifest, certificate, library, _training(files, directory))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refusal(
            f"cannot read {path}: {error.strerror}; {AGAIN}, or set BUNDLE to a bundle's directory"
        ) from error


def _read_verified(directory: Path, name: str, expected: Digest) -> bytes:
    if Path(name).name != name:
        raise Refusal(f"{directory / MANIFEST_FILE} lists {name!r}, which is not the name of a file in it; {AGAIN}")
    found = Digest.of(data := _read(directory / name))
    if found != expected:
        raise Refusal(
            f"{directory / name}: expected {expected.size} bytes of SHA-256 {expected.sha256}, "
            f"found {found.size} of {found.sha256}; {AGAIN}"
        )
    return data


def _library_file(manifest: Manifest, directory: Path) -> str:
    name = manifest.libraries.get(platform_name())
    if name is None:
        raise Refusal(f"{directory} has libraries for {', '.join(manifest.libraries)}, not {platform_name()}; {AGAIN}")
    if name not in manifest.files:
        raise Refusal(f"{directory / MANIFEST_FILE} gives no digest of {name}; {AGAIN}")
    return name


def _certificate(files: dict[str, bytes], digests: dict[str, Digest], library: str, directory: Path) -> Certificate:
    """The certificate, which has to be for exactly this library and model."""
    path = directory / CERTIFICATE_FILE
    try:
        certificate = msgspec.json.decode(files[CERTIFICATE_FILE], type=Certificate)
        expected = (digests[library].sha256, digests[MODEL_FILE].sha256)  # both verified by now
    except KeyError as error:
        raise Refusal(f"{directory} has no {error.args[0]}: nothing proves its library; {AGAIN}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(f"{path}: not a certificate ({error}); {AGAIN}") from error
    found = (certificate.library_sha256, certificate.model_sha256)
    if found != expected:
        raise Refusal(f"{path}: expected a certificate for library and model {expected}, found {found}; {AGAIN}")
    return certificate


def _check_golden(library: Library, manifest: Manifest, directory: Path) -> None:
    """The library answers the manifest's row as XGBoost did, bit for bit."""
    golden = manifest.golden
    shape = (library.measurements, library.features, library.outputs)
    expected = (len(CONTRACT.measurements), len(CONTRACT.features), len(CONTRACT.classes))
    if shape != expected or len(golden.measurements) != library.measurements:
        raise Refusal(f"{directory}: expected a library of shape {expected}, found {shape}; {AGAIN}")
    label = library.predict(golden.measurements).label
    if (label, tuple(library.margins)) != (golden.label, golden.margins):
        raise Refusal(
            f"{directory}: the library answers {library.margins} where XGBoost answered {list(golden.margins)}; {AGAIN}"
        )


def _training(files: dict[str, bytes], directory: Path) -> TrainingSummary | None:
    if TRAINING_FILE not in files:
        return None
    try:
        return msgspec.json.decode(files[TRAINING_FILE], type=TrainingSummary)
    except msgspec.DecodeError as error:
        raise Refusal(f"{directory / TRAINING_FILE}: {error}; train again: make train compile") from error
