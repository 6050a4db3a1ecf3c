"""GET /model: which model is served, and what it was built from."""

from datetime import datetime
from typing import Literal

import msgspec

from app.model.bundle import Bundle
from contract.certificate import Certificate
from contract.manifest import Digest, Toolchain, Trees, Tuning, platform_name
from contract.measurements import MEASUREMENTS, Measurement
from contract.species import SPECIES
from contract.training import TrainingSummary
from contract.uncertainty import Uncertainty


class ModelAnswer(msgspec.Struct, frozen=True):
    """The model that is served, and what it was built from.

    `version` is the SHA-256 of the bundle's manifest, which has the digest of every file in `files`. `bundle_version`
    is a label for people. `signed_by` is the id of the key that signed the bundle; null means that it was not signed,
    or that no signature was needed. `measurements` has the unit and the bounds of each input; `species` lists the
    answers in the order of their labels.
    """

    name: Literal["penguin"]
    version: str
    bundle_version: str
    created_at: datetime
    signed_by: str | None
    platform: str
    measurements: tuple[Measurement, ...]
    features: tuple[str, ...]
    species: tuple[str, ...]
    trees: Trees
    certificate: Certificate
    tuning: Tuning
    toolchain: Toolchain
    files: dict[str, Digest]
    training: TrainingSummary | None
    uncertainty: Uncertainty | None


def about(bundle: Bundle) -> ModelAnswer:
    """Return the document of GET /model for a bundle."""
    manifest = bundle.manifest
    return ModelAnswer(
        name="penguin",
        version=bundle.version,
        bundle_version=manifest.bundle_version,
        created_at=manifest.created_at,
        signed_by=bundle.signed_by,
        platform=platform_name(),
        measurements=MEASUREMENTS,
        features=manifest.interface.features,
        species=SPECIES,
        trees=manifest.trees,
        certificate=bundle.certificate,
        tuning=bundle.target.tuning,
        toolchain=bundle.target.toolchain,
        files=manifest.files,
        training=bundle.training,
        uncertainty=bundle.uncertainty,
    )
