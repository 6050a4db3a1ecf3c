"""Where published bundles are: objects that never change, and channels that move by compare-and-swap.

    bundles/<SHA-256 of the manifest>/<file>              immutable; the manifest is written last
    bundles/<SHA-256 of the manifest>/manifest.<key>.sig  immutable
    channels/<name>                                       a signed pointer
    unused/<SHA-256 of the manifest>                      since when no channel points there (bundle/channels/marks.py)

A store is a local directory or gs://bucket/prefix.
"""

from typing import Protocol

import msgspec

from contract.manifest import MANIFEST_FILE

CLOUD_SCHEME = "gs://"
BUNDLES, CHANNELS, UNUSED = "bundles", "channels", "unused"
CACHE_TAG = "CACHEDIR.TAG"  # marks the cache of a service (bundle/cache.py), which is not a store
# The first line marks any cache (bford.info/cachedir), and backups skip it. The second line says whose cache it is.
CACHE_MARK = b"Signature: 8a477f597d28d172789f06886806bc55\n# The bundle cache of penguins (BUNDLE_CACHE).\n"
LOCK_FILE = ".lock"
ABSENT = ""  # the generation of an object that does not exist


class Stored(msgspec.Struct, frozen=True):
    """At most the first bytes of an object, and its generation. The generation changes with every write."""

    data: bytes
    generation: str


class Store(Protocol):
    """One store. Each call is one attempt that waits at most `seconds` for a byte. All calls raise BundleRefusal."""

    place: str

    def read(self, name: str, limit: int, seconds: float, unless: str = ABSENT) -> Stored | None:
        """Return the first `limit` + 1 bytes of an object, or None if its generation is still `unless`."""
        ...

    def create(self, name: str, data: bytes, seconds: float) -> None:
        """Write an object that never changes. If it exists with the same bytes, that is a success, else a conflict."""
        ...

    def swap(self, name: str, data: bytes, generation: str, seconds: float) -> None:
        """Write an object if its generation is still `generation`, and raise a conflict otherwise."""
        ...

    def names(self, prefix: str, seconds: float) -> list[str]:
        """Return the sorted names of the objects that begin with `prefix`."""
        ...

    def remove(self, name: str, generation: str, seconds: float) -> None:
        """Remove an object of this generation, and raise a conflict if it has another. ABSENT removes any generation.

        If the object is gone, that is a success.
        """
        ...

    def leftovers(self, age: float, seconds: float) -> list[str]:
        """Return what writers that died left at least `age` seconds ago. It is removed like objects."""
        ...

    def abort(self) -> None:
        """Make every call on another thread fail soon."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def cloud_place(place: str) -> str:
    """Return gs://BUCKET/PREFIX without slashes at the ends of the prefix."""
    bucket, _, prefix = place.removeprefix(CLOUD_SCHEME).partition("/")
    return f"{CLOUD_SCHEME}{bucket}/{prefix.strip('/')}".rstrip("/")


def bundle_object(digest: str, name: str = MANIFEST_FILE) -> str:
    """Return the name of the object that holds a bundle's file."""
    return f"{BUNDLES}/{digest}/{name}"


def channel_object(channel: str) -> str:
    """Return the name of the object that holds a channel's pointer."""
    return f"{CHANNELS}/{channel}"
