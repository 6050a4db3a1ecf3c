"""Which bundle is meant, in one string.

path/to/bundle               a directory with a manifest.json, such as `python -m compile` writes
path/to/store#stable         where a channel of a store points
path/to/store@<digest>       a bundle of a store, by the 64 digits of its name
gs://bucket/prefix#stable    the same in the cloud
gs://bucket/prefix@<digest>
"""

import re

import msgspec

from bundle.refusal import BundleRefusal
from bundle.store import CLOUD_SCHEME
from contract.manifest import LABEL_PATTERN

FORMS = "expected DIRECTORY, STORE#CHANNEL or STORE@DIGEST, where STORE is a directory or gs://BUCKET/PREFIX"
_CHANNEL = re.compile(r"(?P<place>.+)#(?P<channel>[^#/]*)")
_DIGEST = re.compile(r"(?P<place>.+)@(?P<digest>[0-9a-f]{64})")


class Reference(msgspec.Struct, frozen=True):
    """`place` is a store where there is a channel or a digest, else a bundle's own directory."""

    place: str
    channel: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        if self.channel:
            return f"{self.place}#{self.channel}"
        return f"{self.place}@{self.digest}" if self.digest else self.place

    @property
    def in_store(self) -> bool:
        """Whether it names something published."""
        return bool(self.channel or self.digest)


def parse_reference(text: str) -> Reference:
    """Raises BundleRefusal, saying what it may look like."""
    if found := _DIGEST.fullmatch(text):
        return Reference(found["place"], digest=found["digest"])
    if found := _CHANNEL.fullmatch(text):
        check_channel(found["channel"])
        return Reference(found["place"], channel=found["channel"])
    if not text or text.startswith(CLOUD_SCHEME):
        raise BundleRefusal("usage", f"bundle reference {text!r}: {FORMS}")
    return Reference(text)


def check_channel(name: str) -> None:
    """Raises BundleRefusal where a channel cannot be called so."""
    if not re.fullmatch(LABEL_PATTERN, name):
        raise BundleRefusal("usage", f"channel {name!r}: expected letters, digits and '._+-', such as stable")
