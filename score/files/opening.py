"""Where files are: in a directory or in a bucket. What is written appears complete, and only once.

The cloud's client is imported only for an address in the cloud.
"""

from typing import IO, Protocol

from bundle.stores.store import CLOUD_SCHEME
from score.files.job import Write


class Place(Protocol):
    """Where outputs are. Raises Failed, with a sentence, if it cannot read or write."""

    def names(self) -> set[str]:
        """Return the names of all files."""
        ...

    def read(self, name: str) -> bytes:
        """Return a small file."""
        ...

    def create(self, name: str, write: Write) -> None:
        """Make a file of what `write` writes. If it is there, it has the same bytes, or it is refused."""
        ...


class Source(Protocol):
    """One input, opened. `file` can be read and sought. `state` is asked again at the end."""

    file: IO[bytes]

    def state(self) -> str:
        """Return what changes with the content."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def open_place(place: str) -> Place:
    """Return where outputs go. Raises Refusal."""
    if place.startswith(CLOUD_SCHEME):
        from score.files.bucket import BucketPlace

        return BucketPlace(place)
    from score.files.directory import DirectoryPlace

    return DirectoryPlace(place)


def open_source(path: str, state: str) -> Source:
    """Open an input that was found with this state. Raises Failed."""
    if path.startswith(CLOUD_SCHEME):
        from score.files.bucket import BucketSource

        return BucketSource(path, state)
    from score.files.directory import FileSource

    return FileSource(path)
