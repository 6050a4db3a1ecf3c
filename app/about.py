"""GET /model: what is being served, and what it was made from."""

from typing import Literal

import msgspec

from app.bundle import Bundle
from contract.certificate import Certificate
from contract.manifest import Digest, Toolchain, Trees, Tuning, platform_name
from contract.measurements import MEASUREMENTS, Measurement
from contract.species import SPECIES
from contract.training import TrainingSummary


class ModelAnswer(msgspec.Struct, frozen=True):
    """`version` is the SHA-256 of the bundle's manifest, which holds the digest of every file."""

    name: Literal["penguin"]
    version: str
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


def about(bundle: Bundle) -> ModelAnswer:
    """The document of GET /model."""
    manifest = bundle.manifest
    return ModelAnswer(
        name="penguin",
        version=bundle.version,
        platform=platform_name(),
        measurements=MEASUREMENTS,
        features=manifest.interface.features,
        species=SPECIES,
        trees=manifest.trees,
        certificate=bundle.certificate,
        tuning=manifest.tuning,
        toolchain=manifest.toolchain,
        files=manifest.files,
        training=bundle.training,
    )
