"""GET /model: what is being served, and what it was made from."""

from datetime import datetime
from typing import Literal

import msgspec

from app.bundle import Bundle
from contract.certificate import Certificate
from contract.manifest import Digest, Toolchain, Trees, Tuning, platform_name
from contract.measurements import MEASUREMENTS, Measurement
from contract.reference import Reference
from contract.species import SPECIES
from contract.training import TrainingSummary


class ModelAnswer(msgspec.Struct, frozen=True):
    """`version` is the SHA-256 of the bundle's manifest, which holds the digest of every file.

    `bundle_version` is its label for people, `signed_by` the id of the key that vouched for it, null where none did.
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
    reference: Reference | None


def about(bundle: Bundle) -> ModelAnswer:
    """The document of GET /model."""
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
        reference=bundle.reference,
    )
