"""`python -m bundle gc`: remove what nobody needs in a store any more.

Without --remove it only prints what it would do.

A bundle is unused if no channel points to it, and none pointed to it before its last move. The first run marks an
unused bundle (bundle/channels/marks.py), also one that is only partly written. A later run removes it when the mark is
old enough. Publishing or promoting the bundle removes the mark.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from bundle.channels.marks import LONGEST, Mark, Marked, mark_object, read_mark, remove_mark, write_mark
from bundle.deadline import Deadline, retried
from bundle.publish import channels, position
from bundle.refusal import BundleRefusal
from bundle.stores.store import ABSENT, BUNDLES, UNUSED, Store, bundle_object
from bundle.verify import Trust
from contract.manifest import MANIFEST_FILE, SHA256_PATTERN, Instant

LEFTOVER_S = 86_400.0  # a living writer renames its temporary file sooner


class Unused(msgspec.Struct, frozen=True):
    """A bundle that no channel points to. `since` is the time of its mark, or of this run if it has none.

    `removed` means that this run removes it, or has removed it.
    """

    digest: str
    since: Instant
    marked: bool
    removed: bool


class Found(msgspec.Struct, frozen=True):
    """What is in a store: bundles that channels point to, unused bundles, and temporary files of writers that died."""

    pointed: tuple[str, ...]
    unused: tuple[Unused, ...]
    leftovers: tuple[str, ...]


class Collector:
    """One run over one store."""

    def __init__(self, store: Store, trust: Trust, deadline: Deadline, now: datetime, age: timedelta) -> None:
        """Prepare a run. A bundle that has been unused for `age` is removed."""
        self._store = store
        self._trust = trust
        self._deadline = deadline
        self._now = now.replace(microsecond=0)
        self._age = age

    def find(self) -> Found:
        """Look for unused bundles, and change nothing.

        Raises BundleRefusal if a channel cannot be read: it may point to any bundle.
        """
        pointed = self._pointed()
        unused = tuple(self._unused(digest) for digest in self._digests(BUNDLES) if digest not in pointed)
        leftovers = retried(lambda seconds: self._store.leftovers(LEFTOVER_S, seconds), self._deadline)
        return Found(tuple(sorted(pointed)), unused, tuple(leftovers))

    def remove(self, found: Found) -> Found:
        """Mark bundles that are newly unused, and remove those that have been unused for long enough.

        Return what was done. Raises BundleRefusal.
        """
        going = [unused.digest for unused in found.unused if self._mark(unused)]
        pointed = self._pointed()  # nobody can promote any of them now, so this is final
        for digest in going:
            self._unmark(digest) if digest in pointed else self._remove(digest)
        self._remove_idle_marks(pointed)
        for name in found.leftovers:
            self._remove_object(name)
        gone = {digest for digest in going if digest not in pointed}
        unused = tuple(
            msgspec.structs.replace(one, removed=one.digest in gone)
            for one in found.unused
            if one.digest not in pointed
        )
        return Found(tuple(sorted(pointed)), unused, found.leftovers)

    def _pointed(self) -> frozenset[str]:
        """Return the digests that channels point to, and those that a rollback would point to."""
        digests: set[str] = set()
        for channel in channels(self._store, self._deadline):
            try:
                pointer = position(self._store, channel, self._trust, self._deadline).pointer
            except BundleRefusal as refusal:
                raise BundleRefusal(
                    refusal.reason, f"nothing is removed while nobody knows what a channel points to: {refusal}"
                ) from refusal
            if pointer:
                digests |= {pointer.digest, pointer.previous or pointer.digest}
        return frozenset(digests)

    def _digests(self, prefix: str) -> list[str]:
        names = retried(lambda seconds: self._store.names(f"{prefix}/", seconds), self._deadline)
        return sorted({part for part in _second_parts(names) if re.fullmatch(SHA256_PATTERN, part)})

    def _unused(self, digest: str) -> Unused:
        marked = read_mark(self._store, digest, self._deadline)
        mark = marked.mark if marked else None
        return Unused(digest, mark.since if mark else self._now, mark is not None, self._is_due(marked))

    def _is_due(self, marked: Marked | None) -> bool:
        mark = marked.mark if marked else None
        if mark is None:
            return False
        return mark.removing <= self._now - LONGEST if mark.removing else mark.since <= self._now - self._age

    def _mark(self, unused: Unused) -> bool:
        """Return whether the bundle is to be removed now. Then nobody can promote it any more."""
        marked = read_mark(self._store, unused.digest, self._deadline)
        if self._is_due(marked):
            assert marked
            assert marked.mark
            removing = msgspec.structs.replace(marked.mark, removing=self._now)
            return write_mark(self._store, unused.digest, removing, marked.generation, self._deadline)
        if marked is None or marked.mark is None:
            generation = marked.generation if marked else ABSENT
            write_mark(self._store, unused.digest, Mark(self._now), generation, self._deadline)
        return False

    def _unmark(self, digest: str) -> None:
        marked = read_mark(self._store, digest, self._deadline)
        if marked:
            remove_mark(self._store, digest, marked.generation, self._deadline)

    def _remove(self, digest: str) -> None:
        """Remove a bundle's objects: its manifest first, because without it there is no bundle, and its mark last.

        If this run dies, a run that finds the mark continues.
        """
        names = retried(lambda seconds: self._store.names(bundle_object(digest, ""), seconds), self._deadline)
        manifest = bundle_object(digest, MANIFEST_FILE)
        for name in sorted(names, key=lambda name: name != manifest):
            self._remove_object(name)
        self._remove_object(mark_object(digest))

    def _remove_idle_marks(self, pointed: frozenset[str]) -> None:
        """Remove the marks of bundles that are gone or that a channel points to."""
        there = set(self._digests(BUNDLES))
        for digest in self._digests(UNUSED):
            if digest in pointed or digest not in there:
                self._unmark(digest)

    def _remove_object(self, name: str) -> None:
        retried(lambda seconds: self._store.remove(name, ABSENT, seconds), self._deadline)


def _second_parts(names: Iterable[str]) -> Iterable[str]:
    return (name.split("/")[1] for name in names if name.count("/"))
