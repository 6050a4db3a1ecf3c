"""Which bundles of a store are unused, and since when, so that `gc` can run while others publish and promote.

    unused/<digest>      no channel has pointed to the bundle since then, or it is being removed

Both sides agree by this mark. `gc` writes it. `gc` removes a bundle only if the mark is at least a day old, and only
after it has written `removing` into the mark by compare-and-swap. Publishing or promoting a bundle first removes its
mark, also by compare-and-swap, and is refused if the mark says `removing`. No command runs for a day (see BOUNDS in
bundle/__main__.py), so another `gc` may finish after a day what a `gc` that died was removing.
"""

from datetime import timedelta

import msgspec

from bundle.deadline import Deadline, retried
from bundle.refusal import BundleRefusal
from bundle.stores.store import UNUSED, Store
from contract.manifest import Instant

MAX_MARK_BYTES = 1024
LONGEST = timedelta(days=1)  # no command runs as long as this
ATTEMPTS = 5  # to remove a mark that somebody else is changing


class Mark(msgspec.Struct, frozen=True):
    """Since when no channel has pointed to a bundle, and since when it is being removed, if it is."""

    since: Instant
    removing: Instant | None = None


_decode_mark = msgspec.json.Decoder(Mark).decode


class Marked(msgspec.Struct, frozen=True):
    """A mark and its generation. The mark is None if the object holds something else."""

    mark: Mark | None
    generation: str


def mark_object(digest: str) -> str:
    """Return the name of the object that holds a bundle's mark."""
    return f"{UNUSED}/{digest}"


def read_mark(store: Store, digest: str, deadline: Deadline) -> Marked | None:
    """Return a bundle's mark, or None if there is none. Raises BundleRefusal."""
    try:
        stored = retried(lambda seconds: store.read(mark_object(digest), MAX_MARK_BYTES, seconds), deadline)
    except BundleRefusal as refusal:
        if refusal.reason != "missing":
            raise
        return None
    assert stored
    try:
        return Marked(_decode_mark(stored.data), stored.generation)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Marked(None, stored.generation)


def write_mark(store: Store, digest: str, mark: Mark, generation: str, deadline: Deadline) -> bool:
    """Write a mark. Return whether it is there now, False if somebody else was faster. Raises BundleRefusal."""
    encoded = msgspec.json.encode(mark)
    try:
        retried(lambda seconds: store.swap(mark_object(digest), encoded, generation, seconds), deadline)
    except BundleRefusal as refusal:
        if refusal.reason != "conflict":
            raise
        found = read_mark(store, digest, deadline)  # the answer of a successful write may have been lost
        return found is not None and found.mark == mark
    return True


def claim(store: Store, digest: str, deadline: Deadline) -> None:
    """Remove a bundle's mark before it is published or a channel points to it. Raises BundleRefusal."""
    for _ in range(ATTEMPTS):
        found = read_mark(store, digest, deadline)
        if found is None:
            return
        if found.mark and found.mark.removing:
            break
        if remove_mark(store, digest, found.generation, deadline):
            return
    raise BundleRefusal(
        "conflict",
        f"{store.place}@{digest} is being removed by python -m bundle gc; publish it again once that has ended (if it "
        f"was killed: a day after that, python -m bundle gc {store.place} --remove ends it)",
    )


def remove_mark(store: Store, digest: str, generation: str, deadline: Deadline) -> bool:
    """Remove a mark. Return False if it has changed. Raises BundleRefusal."""
    try:
        retried(lambda seconds: store.remove(mark_object(digest), generation, seconds), deadline)
    except BundleRefusal as refusal:
        if refusal.reason != "conflict":
            raise
        return False
    return True
