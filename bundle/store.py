"""Where published bundles are: objects that never change, and channels that move by compare-and-swap.

    bundles/<SHA-256 of the manifest>/<file>             immutable; the manifest comes last
    bundles/<SHA-256 of the manifest>/manifest.<key>.sig  immutable
    channels/<name>                                      a signed pointer

A store is a local directory or gs://bucket/prefix.
"""

from pathlib import Path
from typing import Protocol

import msgspec

from contract.manifest import MANIFEST_FILE

CLOUD_SCHEME = "gs://"
BUNDLES, CHANNELS = "bundles", "channels"
ABSENT = ""  # the generation of an object that is not there


class Stored(msgspec.Struct, frozen=True):
    """The start of an object, and the generation it had: another for every time it was written."""

    data: bytes
    generation: str


class Store(Protocol):
    """Each call is one attempt, of `seconds` without a byte at most. All raise BundleRefusal."""

    place: str

    def read(self, name: str, limit: int, seconds: float, unless: str = ABSENT) -> Stored | None:
        """The first `limit` + 1 bytes of an object; None where its generation is still `unless`."""
        ...

    def create(self, name: str, data: bytes, seconds: float) -> None:
        """Write an object that never changes. One that is there with these bytes is a success, others a conflict."""
        ...

    def swap(self, name: str, data: bytes, generation: str, seconds: float) -> None:
        """Write an object whose generation is still `generation`; a conflict otherwise."""
        ...

    def names(self, prefix: str, seconds: float) -> list[str]:
        """The names of objects that begin with `prefix`, in order."""
        ...

    def abort(self) -> None:
        """Have every call that is under way on another thread fail soon."""
        ...

    def close(self) -> None:
        """Give up connections."""
        ...


def open_store(place: str) -> Store:
    """The store at a directory or gs:// address. Nothing is read yet."""
    if place.startswith(CLOUD_SCHEME):
        from bundle.cloud import CloudStore

        return CloudStore(place)
    from bundle.directory import DirectoryStore

    return DirectoryStore(Path(place))


def bundle_object(digest: str, name: str = MANIFEST_FILE) -> str:
    """The object of a bundle's file."""
    return f"{BUNDLES}/{digest}/{name}"


def channel_object(channel: str) -> str:
    """The object of a channel's pointer."""
    return f"{CHANNELS}/{channel}"
