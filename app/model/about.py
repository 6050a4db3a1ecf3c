"""GET /model: which model is served, and what it was built from."""

from datetime import datetime

import msgspec

from contract.certificate import Certificate
from contract.manifest import Digest, Toolchain, Trees, Tuning, platform_name
from contract.schema import Contract
from contract.training import HoldOut, TrainingSummary
from contract.uncertainty import Uncertainty
from score.bundle import Bundle


class ModelAnswer(msgspec.Struct, frozen=True):
    """The model that is served, and what it was built from.

    `version` is the SHA-256 of the bundle's manifest, which has the digest of every file in `files`. `bundle_version`
    is a label for people. `signed_by` is the id of the key that signed the bundle; null means that it was not signed,
    or that no signature was needed. `contract` has the unit and the bounds of each input, and the classes in the order
    of their labels. `features` are the columns that the trees split on. `training` says how the model was trained, and
    `holdout` how good it is on the rows that its owner held out; both are null if the bundle does not say.
    `uncertainty` is what answers are judged by, without the thousands of numbers of its calibration.
    """

    name: str
    version: str
    bundle_version: str
    created_at: datetime
    signed_by: str | None
    platform: str
    contract: Contract
    features: tuple[str, ...]
    trees: Trees
    certificate: Certificate
    tuning: Tuning
    toolchain: Toolchain
    files: dict[str, Digest]
    training: TrainingSummary | None
    holdout: HoldOut | None
    uncertainty: Uncertainty | None


def about(bundle: Bundle) -> ModelAnswer:
    """Return the document of GET /model for a bundle."""
    manifest = bundle.manifest
    return ModelAnswer(
        name=bundle.contract.name,
        version=bundle.version,
        bundle_version=manifest.bundle_version,
        created_at=manifest.created_at,
        signed_by=bundle.signed_by,
        platform=platform_name(),
        contract=bundle.contract,
        features=bundle.contract.features,
        trees=manifest.trees,
        certificate=bundle.certificate,
        tuning=bundle.target.tuning,
        toolchain=bundle.target.toolchain,
        files=manifest.files,
        training=bundle.training,
        holdout=bundle.holdout,
        uncertainty=bundle.uncertainty and msgspec.structs.replace(bundle.uncertainty, calibration={}),
    )
