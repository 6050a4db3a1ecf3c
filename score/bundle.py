"""Load a bundle: map its verified library (bundle/verify.py) and check that it gives the golden answer."""

import os
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from binding.columns import Column, Limit
from binding.library import Batch, Library
from bundle.address import parse_address
from bundle.fetch import BundleSource, read_directory
from bundle.signing.trusted import trust_in
from bundle.verify import IN_PLACE, OWN, Trust, VerifiedBundle, Wanted
from contract.certificate import Certificate
from contract.drift import DriftBaseline
from contract.manifest import CARD_FILES, TRAINING_FILE, Manifest, PlatformBuild, html_file, platform_name
from contract.refusal import COMPILE_AGAIN, Refusal
from contract.schema import Contract
from contract.training import HOLDOUT_FILE, KNOWN_ROWS_FILE, HoldOut, TrainingSummary
from contract.trees import TREES_FILE
from contract.uncertainty import UNCERTAINTY_FILE, Uncertainty
from score.inputs import Inputs
from score.judged import Judged, p_values_asked
from score.scorer import Scorer

Document = TypeVar("Document")
# Made at import: see contract/manifest.py. Two threads may load two bundles at once.
_TRAINING, _UNCERTAINTY = msgspec.json.Decoder(TrainingSummary), msgspec.json.Decoder(Uncertainty)
_HOLDOUT = msgspec.json.Decoder(HoldOut)
FETCH_SECONDS = 60.0
CARDS = (*CARD_FILES, *map(html_file, CARD_FILES))
GOLDEN_ROWS = 512  # the largest block of rows that the library evaluates at once


class Bundle(msgspec.Struct, frozen=True):
    """A model that is loaded and has given its golden answer. `version` is the SHA-256 of the manifest.

    `origin` is the place from which its files were read. `signed_by` is the id of the key that signed it, or None.
    `trees` is the content of trees.json, for explanations. `known_rows` is that of known_rows.json, which is decoded
    when somebody asks for it. `trees`, `known_rows`, `training`, `holdout` and `uncertainty` are None if the bundle
    does not have the file. `cards` are the cards that it has, as Markdown and as HTML, by file name.
    """

    version: str
    contract: Contract
    manifest: Manifest
    certificate: Certificate
    library: Library
    training: TrainingSummary | None
    holdout: HoldOut | None
    uncertainty: Uncertainty | None
    trees: bytes | None
    known_rows: bytes | None
    origin: str
    signed_by: str | None
    cards: dict[str, bytes] = {}  # msgspec copies it

    @property
    def target(self) -> PlatformBuild:
        """The manifest's entry for this platform."""
        return self.manifest.platforms[platform_name()]

    @property
    def drift_baseline(self) -> DriftBaseline | None:
        """What live predictions are compared with: the training data, or else the held-out rows."""
        described = self.training or self.holdout
        return described.drift_baseline if described else None


def load_bundle(directory: Path) -> Bundle:
    """Read, check and load a bundle that was built here, without a signature. Raises Refusal if it is not sound."""
    return load_verified(read_directory(directory, IN_PLACE))


def scorer_of(bundle: Bundle, *, p_values: bool) -> Scorer:
    """Return what answers many rows. Raises Refusal if p-values are wanted and the bundle has none."""
    asked = p_values_asked(bundle.contract, bundle.uncertainty) if p_values else None
    return Scorer(bundle.library, Inputs(bundle.contract), Judged.by(bundle.uncertainty), asked)


def trust_of(address: str, keys: str | None = None, allow_unsigned: bool | None = None) -> Trust:
    """Return which signatures a bundle needs. Raises Refusal if it needs one and no key is trusted.

    What is not given here, TRUSTED_KEYS, ALLOW_UNSIGNED_BUNDLES and BAKED_BUNDLE of the environment say.
    """
    if keys is None:
        keys = os.environ.get("TRUSTED_KEYS", "")
    if allow_unsigned is None:
        allow_unsigned = os.environ.get("ALLOW_UNSIGNED_BUNDLES", "0").lower() in ("1", "true")
    baked = os.environ.get("BAKED_BUNDLE", "")
    trust = trust_in(parse_address(address), keys, allow_unsigned=allow_unsigned, baked=baked)
    if trust.required and not trust.keys:
        raise Refusal(
            f"{address}: expected TRUSTED_KEYS to name who may have signed it, found none; set it to what python -m "
            "bundle keygen printed, or ALLOW_UNSIGNED_BUNDLES=1 for a bundle of your own"
        )
    return trust


def fetch_verified(address: str, trust: Trust | None = None, wanted: Wanted = OWN) -> VerifiedBundle:
    """Fetch and verify a bundle by its address, as the service does. Raises Refusal. See `trust_of`."""
    source = BundleSource(parse_address(address), trust or trust_of(address), None, wanted)
    try:
        return source.fetch(FETCH_SECONDS, datetime.now(UTC)).bundle
    finally:
        source.close()


def load_verified(verified: VerifiedBundle) -> Bundle:
    """Map the library of a verified bundle and check it with the golden row.

    Raises Refusal if an answer or a document is wrong; then nothing stays mapped.
    """
    place = verified.origin.place
    training = _document(verified, TRAINING_FILE, _TRAINING)
    uncertainty = _document(verified, UNCERTAINTY_FILE, _UNCERTAINTY)
    contract = verified.contract
    library = Library(verified.library, contract.output.values)
    # Only certified code runs: this processor may support more instruction sets than the one that compiled the library.
    library.use(len(verified.certificate.instruction_sets))
    _check_golden(library, contract, verified.manifest, place)
    if library.has_uncertainty != (uncertainty is not None):
        raise Refusal(f"{place}: expected a library made with {UNCERTAINTY_FILE}, or neither; {COMPILE_AGAIN}")
    if uncertainty and uncertainty.model_sha256 != verified.manifest.model_sha256:
        raise Refusal(f"{place}: {UNCERTAINTY_FILE} belongs to another model; {COMPILE_AGAIN}")
    return Bundle(
        version=verified.digest,
        contract=contract,
        manifest=verified.manifest,
        certificate=verified.certificate,
        library=library,
        training=training,
        holdout=_document(verified, HOLDOUT_FILE, _HOLDOUT),
        uncertainty=uncertainty,
        trees=verified.files.get(TREES_FILE),
        known_rows=verified.files.get(KNOWN_ROWS_FILE),
        origin=place,
        signed_by=verified.signed_by,
        cards={name: verified.files[name] for name in CARDS if name in verified.files},
    )


def _check_golden(library: Library, contract: Contract, manifest: Manifest, place: str) -> None:
    """Raise Refusal unless the library answers the manifest's golden row as XGBoost did, bit for bit, in every way."""
    golden = manifest.golden
    shape = (library.inputs, library.features, library.outputs, library.values)
    outputs = len(manifest.trees.base_margins)
    expected = (len(contract.inputs), len(contract.features), outputs, len(contract.output.values))
    if shape != expected or len(golden.measurements) != library.inputs:
        raise Refusal(f"{place}: expected a library of shape {expected}, found {shape}; {COMPILE_AGAIN}")
    for way, label, margins in _answers(library, golden.measurements):
        if (label, margins) != (golden.label, golden.margins):
            raise Refusal(
                f"{place}: {way} the library answers {list(margins)} where XGBoost answered {list(golden.margins)}; "
                f"{COMPILE_AGAIN}"
            )


def _answers(library: Library, row: tuple[float, ...]) -> Iterator[tuple[str, int, tuple[float, ...]]]:
    """Yield the way, the label and the margins of each answer to `row`.

    The ways are: one row alone, then the first and the last row of a block, on each instruction set, as rows and as
    columns.
    """
    yield "one row at a time", library.predict(row)[0], tuple(library.margins)
    rows = struct.pack(f"={len(row)}f", *row) * GOLDEN_ROWS
    columns, limits = [Column(struct.pack("=d", value) * GOLDEN_ROWS) for value in row], [Limit()] * len(row)
    for number in range(library.instruction_sets):
        batch = library.predict_rows(rows, 0, GOLDEN_ROWS, number)
        yield from _ends(library, batch, f"in batches with instruction set {number}")
        scored = library.predict_columns(columns, limits, GOLDEN_ROWS, number)
        yield from _ends(library, scored.batch, f"in columns with instruction set {number}")


def _ends(library: Library, batch: Batch, way: str) -> Iterator[tuple[str, int, tuple[float, ...]]]:
    """Yield the way, and the label and the margins of the first and the last row of a batch."""
    margins = struct.unpack(f"={GOLDEN_ROWS * library.outputs}f", batch.margins)
    labels = struct.unpack(f"={GOLDEN_ROWS}i", batch.labels)
    for i in (0, GOLDEN_ROWS - 1):
        yield way, labels[i], margins[i * library.outputs : (i + 1) * library.outputs]


def _document(verified: VerifiedBundle, name: str, decoder: msgspec.json.Decoder[Document]) -> Document | None:
    """Decode a file that training wrote. Return None if the bundle does not have it. Raises Refusal if it is faulty."""
    if name not in verified.files:
        return None
    try:
        return decoder.decode(verified.files[name])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        path = verified.origin.path(name)
        raise Refusal(f"{path}: {error}; compile the model with a {name} of this version, or without one") from error
