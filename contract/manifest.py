"""The manifest of a bundle: which files it has, what they were made from, and for which contract.

A bundle is a directory with `manifest.json`, its signatures and the files that it lists. Nothing else in it is read.
The bundle's name is the SHA-256 of `manifest.json`.

Format 3 has the contract in a file of its own (contract/schema.py). Format 2 was the penguins' alone, and is still read
(contract/format_2.py).
"""

import hashlib
import platform
import sys
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from contract.refusal import COMPILE, COMPILE_AGAIN, Refusal

FORMAT_VERSION = 3
READABLE_FORMATS = (2, FORMAT_VERSION)
MANIFEST_FILE = "manifest.json"
MODEL_FILE = "model.json"
TRAINING_FILE = "training.json"
MODEL_CARD_FILE = "model_card.md"  # what people read; beside it in a bundle is the same as HTML
DATA_CARD_FILE = "data_card.md"
CARD_FILES = (MODEL_CARD_FILE, DATA_CARD_FILE)
SHA256_PATTERN = r"^[0-9a-f]{64}\Z"  # \Z and not $, which allows a newline at the end
LABEL_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}\Z"  # valid as a file name, on a command line and in a log line

Sha256 = Annotated[str, Meta(pattern=SHA256_PATTERN)]
Label = Annotated[str, Meta(pattern=LABEL_PATTERN)]
Instant = Annotated[datetime, Meta(tz=True)]


class Digest(msgspec.Struct, frozen=True):
    """A file's size in bytes and its SHA-256 in hexadecimal."""

    size: Annotated[int, Meta(ge=0)]
    sha256: Sha256

    @classmethod
    def of(cls, data: bytes) -> "Digest":
        """Return the digest of `data`."""
        return cls(len(data), hashlib.sha256(data).hexdigest())


class Trees(msgspec.Struct, frozen=True):
    """The size of the model. `base_margins` are float32 values, one for each output, that every sum starts from.

    Only the first `rounds` of the `rounds_trained` boosting rounds in the model's file are used. They are fewer if
    training stopped early. 0 means that the bundle is older than this field.
    """

    objective: str
    count: int
    nodes: int
    depth: int
    base_margins: tuple[float, ...]
    rounds: int = 0
    rounds_trained: int = 0


def html_file(card: str) -> str:
    """Return the name of the file that has a card as HTML."""
    return card.removesuffix(".md") + ".html"


class Toolchain(msgspec.Struct, frozen=True):
    """The compiler and its flags, and the versions of the Python packages that built the library."""

    compiler: str
    flags: tuple[str, ...]
    versions: dict[str, str]


class Golden(msgspec.Struct, frozen=True):
    """One row of inputs and XGBoost's own answer to it, as float32 values. A loader checks it first."""

    measurements: tuple[float, ...]
    margins: tuple[float, ...]
    label: int


OneRow = Literal["tl2cgen", "walk", "ranks"]  # how one row is evaluated, and a few


class Tuning(msgspec.Struct, frozen=True):
    """How the library evaluates the trees. It was chosen by measuring on the machine that compiled it.

    One row, or a few, are evaluated by tl2cgen's code, by the array walk, or by ranks. From `block_from` rows on,
    blocks of rows are evaluated at once. `figures` are microseconds a row, by what was timed. They are empty if the
    choice was given.
    """

    one_row: OneRow
    block_from: int
    figures: dict[str, float]


class Interface(msgspec.Struct, frozen=True):
    """The names of inputs and outputs in a manifest of format 2, in order. `features` are what the trees split on."""

    measurements: tuple[str, ...]
    units: tuple[str, ...]
    features: tuple[str, ...]
    classes: tuple[str, ...]


class PlatformBuild(msgspec.Struct, frozen=True):
    """What a bundle holds for one platform: two file names, and how the library was built."""

    library: str
    certificate: str
    certificate_sha256: Sha256
    toolchain: Toolchain
    tuning: Tuning


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that a loader checks before it maps the first byte of a library.

    `bundle_version` is a label for people. The keys of `platforms` come from `platform_name`. If `missing` is set, a
    measurement of this value is missing, as NaN is: the model was trained so. `interface` is what format 2 has in
    place of a contract.
    """

    format_version: int
    bundle_version: Label
    created_at: Instant
    model_sha256: Sha256
    trees: Trees
    golden: Golden
    platforms: dict[str, PlatformBuild]
    files: dict[str, Digest]
    missing: float | None = None
    interface: Interface | None = None

    def files_for(self, platform: str) -> list[str]:
        """Return the names of the files that this platform needs: its own files and those of no platform."""
        others = [target for name, target in self.platforms.items() if name != platform]
        foreign = {file for target in others for file in (target.library, target.certificate)}
        own = self.platforms.get(platform)
        return [name for name in self.files if name not in foreign or (own and name in (own.library, own.certificate))]


def platform_name() -> str:
    """Return this machine's key in `Manifest.platforms`, such as `linux-x86_64`."""
    return f"{sys.platform}-{platform.machine().lower()}"


def encode(document: msgspec.Struct) -> bytes:
    """Return the document as indented JSON with a newline at the end. The same document always gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def decode_manifest(data: bytes, source: str) -> Manifest:
    """Decode a manifest. Raises Refusal, naming `source`, if `data` is no manifest of this format version."""
    try:
        version = _decode_version(data).format_version
        if version not in READABLE_FORMATS:
            known = " or ".join(map(str, READABLE_FORMATS))
            raise Refusal(
                f"{source}: expected bundle format {known}, found {version}; "
                f"compile its model with this version: {COMPILE}"
            )
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(f"{source}: not a bundle manifest ({error}); {COMPILE_AGAIN}") from error


class _Versioned(msgspec.Struct):
    format_version: int


# Made at import: msgspec 0.22.0 completes a type when it is first decoded, and crashes if two threads do that at once.
_decode_version = msgspec.json.Decoder(_Versioned).decode
_decode = msgspec.json.Decoder(Manifest).decode
