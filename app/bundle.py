"""Loading a bundle: the bytes that were verified (bundle/verify.py) become a model that has given its golden answer."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from app.library import Library
from bundle.fetch import COMPILE_AGAIN, read_directory
from bundle.verify import IN_PLACE, VerifiedBundle
from contract.certificate import Certificate
from contract.manifest import CONTRACT, TRAINING_FILE, Manifest, Target, platform_name
from contract.reference import REFERENCE_FILE, Reference
from contract.refusal import Refusal
from contract.training import TrainingSummary
from contract.trees import TREES_FILE

Document = TypeVar("Document")
GOLDEN_ROWS = 512  # the widest block of rows that is evaluated at once


class Bundle(msgspec.Struct, frozen=True):
    """A model that is loaded and has given its golden answer. `version` is the SHA-256 of the manifest.

    `origin` is where its bytes were read, `signed_by` the id of the key that vouched for them, or None.
    """

    version: str
    manifest: Manifest
    certificate: Certificate
    library: Library
    training: TrainingSummary | None
    reference: Reference | None
    trees: bytes | None
    origin: str
    signed_by: str | None

    @property
    def target(self) -> Target:
        """What the manifest says of this platform."""
        return self.manifest.platforms[platform_name()]


def load_bundle(directory: Path) -> Bundle:
    """Read, check and load a bundle that was built here. Raises Refusal: what was expected, what was found."""
    return load_verified(read_directory(directory, IN_PLACE))


def load_verified(verified: VerifiedBundle) -> Bundle:
    """Map the library and ask the golden row. Raises Refusal, with nothing left mapped."""
    place = verified.origin.place
    training = _document(verified, TRAINING_FILE, TrainingSummary)
    reference = _document(verified, REFERENCE_FILE, Reference)
    library = Library(verified.library, CONTRACT.classes)
    # Only what was certified runs: this processor may know more than the one that compiled.
    library.instruction_sets = min(library.instruction_sets, len(verified.certificate.instruction_sets))
    _check_golden(library, verified.manifest, place)
    if library.has_reference != (reference is not None):
        raise Refusal(f"{place}: expected a library made with {REFERENCE_FILE}, or neither; {COMPILE_AGAIN}")
    if reference and reference.model_sha256 != verified.manifest.model_sha256:
        raise Refusal(f"{place}: {REFERENCE_FILE} belongs to another model; {COMPILE_AGAIN}")
    return Bundle(
        version=verified.digest,
        manifest=verified.manifest,
        certificate=verified.certificate,
        library=library,
        training=training,
        reference=reference,
        trees=verified.files.get(TREES_FILE),
        origin=place,
        signed_by=verified.signed_by,
    )


def _check_golden(library: Library, manifest: Manifest, place: str) -> None:
    """The library answers the manifest's row as XGBoost did, bit for bit, by every way it can be asked."""
    golden = manifest.golden
    shape = (library.measurements, library.features, library.outputs)
    expected = (len(CONTRACT.measurements), len(CONTRACT.features), len(CONTRACT.classes))
    if shape != expected or len(golden.measurements) != library.measurements:
        raise Refusal(f"{place}: expected a library of shape {expected}, found {shape}; {COMPILE_AGAIN}")
    for way, label, margins in _answers(library, golden.measurements):
        if (label, margins) != (golden.label, golden.margins):
            raise Refusal(
                f"{place}: {way} the library answers {list(margins)} where XGBoost answered {list(golden.margins)}; "
                f"{COMPILE_AGAIN}"
            )


def _answers(library: Library, row: tuple[float, ...]) -> Iterator[tuple[str, int, tuple[float, ...]]]:
    """Label and margins: of one row, then of the first and the last of a block on each instruction set."""
    yield "one row at a time", library.predict(row)[0], tuple(library.margins)
    rows = struct.pack(f"={len(row)}f", *row) * GOLDEN_ROWS
    for instruction_set in range(library.instruction_sets):
        batch = library.predict_rows(rows, 0, GOLDEN_ROWS, instruction_set)
        margins = struct.unpack(f"={GOLDEN_ROWS * library.outputs}f", batch.margins)
        labels = struct.unpack(f"={GOLDEN_ROWS}i", batch.labels)
        for i in (0, GOLDEN_ROWS - 1):
            of_row = margins[i * library.outputs : (i + 1) * library.outputs]
            yield f"in batches with instruction set {instruction_set}", labels[i], of_row


def _document(verified: VerifiedBundle, name: str, kind: type[Document]) -> Document | None:
    """A file that training wrote, where the bundle has it."""
    if name not in verified.files:
        return None
    try:
        return msgspec.json.decode(verified.files[name], type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(f"{verified.origin.path(name)}: {error}; train again: make train compile") from error
