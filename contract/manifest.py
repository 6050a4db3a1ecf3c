"""The manifest of a model bundle: what is in it, what it was made from, and for which contract.

A bundle is a directory: `manifest.json`, its signatures, the files it lists, and nothing else that is ever read. Its
name is the SHA-256 of `manifest.json`.
"""

import hashlib
import platform
import sys
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from contract.features import FEATURE_NAMES
from contract.measurements import MEASUREMENTS
from contract.refusal import Refusal
from contract.species import SPECIES

FORMAT_VERSION = 2
MANIFEST_FILE = "manifest.json"
MODEL_FILE = "model.json"
TRAINING_FILE = "training.json"
SHA256_PATTERN = "^[0-9a-f]{64}$"
LABEL_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$"  # what a file, a command line and a log line all take

Sha256 = Annotated[str, Meta(pattern=SHA256_PATTERN)]
Label = Annotated[str, Meta(pattern=LABEL_PATTERN)]
Instant = Annotated[datetime, Meta(tz=True)]


class Digest(msgspec.Struct, frozen=True):
    """The size in bytes and the SHA-256, in hexadecimal, of a file."""

    size: Annotated[int, Meta(ge=0)]
    sha256: Sha256

    @classmethod
    def of(cls, data: bytes) -> "Digest":
        """The digest of these bytes."""
        return cls(len(data), hashlib.sha256(data).hexdigest())


class Interface(msgspec.Struct, frozen=True):
    """What goes into a library and what comes out, in order. `features` are what the trees split on."""

    measurements: tuple[str, ...]
    units: tuple[str, ...]
    features: tuple[str, ...]
    classes: tuple[str, ...]


CONTRACT = Interface(
    measurements=tuple(measurement.name for measurement in MEASUREMENTS),
    units=tuple(measurement.unit for measurement in MEASUREMENTS),
    features=FEATURE_NAMES,
    classes=SPECIES,
)


class Trees(msgspec.Struct, frozen=True):
    """The size of the model. `base_margins` are the float32 values every sum starts from, one per output."""

    objective: str
    count: int
    nodes: int
    depth: int
    base_margins: tuple[float, ...]


class Toolchain(msgspec.Struct, frozen=True):
    """What built the library."""

    compiler: str
    flags: tuple[str, ...]
    versions: dict[str, str]


class Golden(msgspec.Struct, frozen=True):
    """One row of measurements and XGBoost's own answer to it, as float32 values: the first thing a loader asks."""

    measurements: tuple[float, ...]
    margins: tuple[float, ...]
    label: int


class Tuning(msgspec.Struct, frozen=True):
    """How the library evaluates the trees, chosen by measuring on the machine that compiled it.

    One row runs tl2cgen's code or the array walk; from `block_from` rows on, blocks of rows are evaluated at once.
    `figures` are microseconds a row, by what was timed; empty where the choice was given.
    """

    one_row: Literal["tl2cgen", "walk"]
    block_from: int
    figures: dict[str, float]


class Target(msgspec.Struct, frozen=True):
    """What a bundle holds for one platform: two names of files, and how the library was built."""

    library: str
    certificate: str
    certificate_sha256: Sha256
    toolchain: Toolchain
    tuning: Tuning


class Manifest(msgspec.Struct, frozen=True):
    """Everything a loader checks before a library's first byte is mapped.

    `bundle_version` is a label for people. `platforms` has what `platform_name` gives for keys.
    """

    format_version: int
    bundle_version: Label
    created_at: Instant
    model_sha256: Sha256
    interface: Interface
    trees: Trees
    golden: Golden
    platforms: dict[str, Target]
    files: dict[str, Digest]

    def files_for(self, platform: str) -> list[str]:
        """The names of the files that this platform needs: its own and those of no platform."""
        others = [target for name, target in self.platforms.items() if name != platform]
        foreign = {file for target in others for file in (target.library, target.certificate)}
        own = self.platforms.get(platform)
        return [name for name in self.files if name not in foreign or (own and name in (own.library, own.certificate))]


def platform_name() -> str:
    """The key of `Manifest.platforms` for this machine, such as `linux-x86_64`."""
    return f"{sys.platform}-{platform.machine().lower()}"


def encode(document: msgspec.Struct) -> bytes:
    """Indented JSON that ends in a newline; the same document always gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def decode_manifest(data: bytes, source: str) -> Manifest:
    """Raises Refusal, naming `source`, where `data` is no manifest of this format version."""
    try:
        version = msgspec.json.decode(data, type=_Versioned).format_version
        if version != FORMAT_VERSION:
            raise Refusal(
                f"{source}: expected bundle format {FORMAT_VERSION}, found {version}; "
                "make the bundle again with this version: make compile"
            )
        return msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(f"{source}: not a bundle manifest ({error}); make the bundle again: make compile") from error


class _Versioned(msgspec.Struct):
    format_version: int


def difference(expected: Interface, found: Interface) -> str | None:
    """The first field in which two interfaces differ, in words, or None."""
    for field in msgspec.structs.fields(Interface):
        wanted: Any = getattr(expected, field.name)
        given: Any = getattr(found, field.name)
        if wanted != given:
            return f"expected {field.name} {', '.join(wanted)}; found {', '.join(given)}"
    return None
