"""Where a bundle is, as one string.

path/to/bundle               a directory with a manifest.json, such as `python -m compile` writes
path/to/store#stable         the bundle that a channel of a store points to
path/to/store@<digest>       a bundle of a store, by the 64 digits of its name
gs://bucket/prefix#stable    a channel of a store in the cloud
gs://bucket/prefix@<digest>  a bundle of a store in the cloud
"""

import os
import re

import msgspec

from bundle.refusal import BundleRefusal
from bundle.stores.store import CLOUD_SCHEME, cloud_place
from contract.manifest import LABEL_PATTERN

FORMS = "expected DIRECTORY, STORE#CHANNEL or STORE@DIGEST, where STORE is a directory or gs://BUCKET/PREFIX"
_CHANNEL = re.compile(r"(?P<place>.+)#(?P<channel>[^#/]*)")
_DIGEST = re.compile(r"(?P<place>.+)@(?P<digest>[0-9a-f]{64})")


class BundleAddress(msgspec.Struct, frozen=True):
    """Where a bundle is. `place` is a store if there is a channel or a digest, and else a bundle's directory."""

    place: str
    channel: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        if self.channel:
            return f"{self.place}#{self.channel}"
        return f"{self.place}@{self.digest}" if self.digest else self.place

    @property
    def identities(self) -> tuple[str, ...]:
        """Return the names under which a cache remembers this address, however its place is spelled.

        A directory behind a symbolic link has two: its own path and the path that the link leads to. So another
        spelling, or a link that is moved, does not make the cache forget what it has seen.
        """
        places = (cloud_place(self.place),) if self.place.startswith(CLOUD_SCHEME) else _local_places(self.place)
        return tuple(str(msgspec.structs.replace(self, place=place)) for place in places)

    @property
    def in_store(self) -> bool:
        """Return whether the address names a published bundle."""
        return bool(self.channel or self.digest)


def parse_address(text: str) -> BundleAddress:
    """Parse an address. Raises BundleRefusal, which shows the valid forms."""
    if found := _DIGEST.fullmatch(text):
        return BundleAddress(found["place"], digest=found["digest"])
    if found := _CHANNEL.fullmatch(text):
        check_channel(found["channel"])
        return BundleAddress(found["place"], channel=found["channel"])
    if not text or text.startswith(CLOUD_SCHEME):
        raise BundleRefusal("usage", f"bundle address {text!r}: {FORMS}")
    return BundleAddress(text)


def _local_places(place: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((os.path.abspath(place), os.path.realpath(place))))  # noqa: PTH100  # of text, also ..


def check_channel(name: str) -> None:
    """Raise BundleRefusal if this is no valid name of a channel."""
    if not re.fullmatch(LABEL_PATTERN, name):
        raise BundleRefusal("usage", f"channel {name!r}: expected letters, digits and '._+-', such as stable")
