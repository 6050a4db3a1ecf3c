"""Getting a bundle from wherever it is, within one deadline, and finding out cheaply whether there is a newer one.

    source = Source(parse_reference("gs://models/penguins#stable"), Trust(trusted_keys(text)), Cache(path))
    fetched = source.fetch(10, now)     # raises BundleRefusal, whose `reason` is a label for metrics
    ...                                 # load fetched.bundle
    source.keep(fetched)                # it is the last known good now
    newer = source.poll(10, now)        # None: nothing new, after one request without a download
    bundle = source.last_good()         # from the disk, verified again; raises BundleRefusal

A source belongs to one thread at a time. It keeps its connection between polls.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from bundle.cache import Cache, directory_reader
from bundle.channel import MAX_POINTER_BYTES, Pointer, Seen, check_clock, check_current, read_pointer
from bundle.deadline import Deadline, retried, run_within
from bundle.keys import TrustedKey
from bundle.reference import Reference, parse_reference
from bundle.refusal import BundleRefusal
from bundle.store import ABSENT, Store, bundle_object, channel_object, open_store
from bundle.verify import OWN, Origin, Trust, VerifiedBundle, Wanted, verify

COMPILE_AGAIN = "make the bundle again: make compile"


class Fetched(msgspec.Struct, frozen=True):
    """A verified bundle and how it came. `cache_problem` says why something could not be written down, or is None."""

    reference: Reference
    bundle: VerifiedBundle
    pointer: Pointer | None
    generation: str  # of the pointer
    from_cache: bool
    seconds: float
    cache_problem: BundleRefusal | None = None


class Source:
    """One reference, and what was seen of it."""

    def __init__(
        self,
        reference: Reference,
        trust: Trust,
        cache: Cache | None = None,
        wanted: Wanted = OWN,
        told: Callable[[str], None] | None = None,
    ) -> None:
        """`told` is called with the name of each file before it is read from a store, on another thread."""
        self.reference = reference
        self._trust = trust
        self._cache = cache
        self._wanted = wanted
        self._told = told or (lambda _: None)
        self._store: Store | None = None
        self._turn = 0  # of the poll that may open it: a thread that was left may come to it late
        self._lock = threading.Lock()
        self._seen: Seen | None = None  # of this process, where the cache cannot be written
        self._last: Fetched | None = None

    def fetch(self, deadline_seconds: float, now: datetime) -> Fetched:
        """The bundle that is meant now. Raises BundleRefusal."""
        self._last = None
        fetched = self.poll(deadline_seconds, now)
        assert fetched
        return fetched

    def poll(self, deadline_seconds: float, now: datetime) -> Fetched | None:
        """The same, or None where it is the bundle of the last call that gave one. Raises BundleRefusal."""
        last = self._last
        if last and not self.reference.channel:
            return None  # what it names never changes
        deadline = Deadline(deadline_seconds)
        pointers: list[Pointer] = []  # verified ones; the thread that adds to it may outlive this call
        seen, turn = self._newest_seen(), self._turn
        try:
            fetched = run_within(
                deadline,
                lambda: self._read(turn, deadline, now, seen, last, pointers),
                self._leave,
                str(self.reference),
            )
        finally:
            problem = self._note(pointers)
        if fetched is None:
            return None
        self._last = fetched = msgspec.structs.replace(fetched, cache_problem=problem)
        return None if last and last.bundle.digest == fetched.bundle.digest else fetched

    def forget(self) -> None:
        """Have the next poll give the bundle again, though it is the same."""
        self._last = None

    def keep(self, fetched: Fetched) -> None:
        """Make it the last known good one. Raises BundleRefusal where the disk does not take it."""
        if self._cache:
            self._cache.keep(self.reference, fetched.bundle)

    def last_good(self) -> VerifiedBundle:
        """The last that was kept and still verifies. Raises BundleRefusal where there is none."""
        if not self._cache:
            raise BundleRefusal("missing", f"no cache is configured for {self.reference}; name a directory for one")
        return self._cache.last_good(self.reference, self._trust)

    def close(self) -> None:
        """Give up the connection."""
        store, self._store = self._store, None
        if store:
            store.close()

    def _leave(self) -> Store | None:
        """The next poll takes a new connection: a thread may be waiting on this one."""
        with self._lock:
            self._turn += 1
            store, self._store = self._store, None
        return store

    def _open(self, turn: int) -> Store:
        """Opening looks for credentials, which can take long."""
        if self._store and self._turn == turn:
            return self._store
        store = open_store(self.reference.place)
        with self._lock:
            if self._turn == turn:
                self._store = store
                return store
        store.close()
        raise BundleRefusal("deadline", f"{self.reference}: opened too late")

    def _read(  # nothing of it may change under a thread that was left
        self,
        turn: int,
        deadline: Deadline,
        now: datetime,
        seen: Seen | None,
        last: Fetched | None,
        pointers: list[Pointer],
    ) -> Fetched | None:
        """On a thread of its own. None where the pointer has not moved."""
        start = time.monotonic()
        if not self.reference.in_store:
            bundle = read_directory(Path(self.reference.place), self._trust, self._wanted)
            return Fetched(self.reference, bundle, None, ABSENT, False, time.monotonic() - start)
        store = self._open(turn)
        pointer, generation, digest = None, ABSENT, self.reference.digest
        if self.reference.channel:
            pointer, generation = self._pointer(store, deadline, last)
            check_clock(pointer, now, str(self.reference))
            pointers.append(pointer)
            check_current(pointer, seen, now, str(self.reference))
            digest = pointer.digest
        assert digest
        if last and last.bundle.digest == digest:
            return None if generation == last.generation else _renewed(last, pointer, generation)
        cached = self._cached(digest)
        bundle = cached or read_published(store, digest, self._trust, deadline, self._wanted, self._told)
        return Fetched(self.reference, bundle, pointer, generation, cached is not None, time.monotonic() - start)

    def _pointer(self, store: Store, deadline: Deadline, last: Fetched | None) -> tuple[Pointer, str]:
        """The channel's pointer and its generation; the last one's where it has not moved."""
        channel = self.reference.channel
        assert channel
        unless = last.generation if last else ABSENT
        stored = retried(
            lambda seconds: store.read(channel_object(channel), MAX_POINTER_BYTES, seconds, unless), deadline
        )
        if stored is None:
            assert last
            assert last.pointer
            return last.pointer, last.generation
        return read_pointer(stored.data, channel, self._trust, str(self.reference))[0], stored.generation

    def _cached(self, digest: str) -> VerifiedBundle | None:
        try:
            return self._cache.find(digest, self._trust) if self._cache else None
        except BundleRefusal:
            return None

    def _newest_seen(self) -> Seen | None:
        known = [seen for seen in (self._seen, self._cache and self._cache.seen(self.reference)) if seen]
        return max(known, key=lambda seen: seen.version, default=None)

    def _note(self, pointers: list[Pointer]) -> BundleRefusal | None:
        """Remember the newest pointer: here, and on disk where it can be written."""
        for pointer in pointers:
            if self._seen is None or pointer.version > self._seen.version:
                self._seen = Seen(pointer.version, pointer.digest, pointer.created_at)
            try:
                if self._cache:
                    self._cache.note(self.reference, pointer)
            except BundleRefusal as refusal:
                return refusal
        return None


def _renewed(last: Fetched, pointer: Pointer | None, generation: str) -> Fetched:
    return msgspec.structs.replace(last, pointer=pointer, generation=generation)


def fetch(
    reference: str, keys: tuple[TrustedKey, ...], cache: Cache | None, deadline_seconds: float, now: datetime
) -> Fetched:
    """One fetch of a signed bundle. Raises BundleRefusal."""
    source = Source(parse_reference(reference), Trust(keys), cache)
    try:
        return source.fetch(deadline_seconds, now)
    finally:
        source.close()


def read_directory(directory: Path, trust: Trust, wanted: Wanted = OWN) -> VerifiedBundle:
    """A bundle's own directory, which may be a symbolic link. Raises BundleRefusal."""
    resolved = directory.resolve()  # it may be moved to another bundle while we read
    reader = directory_reader(resolved, f"{COMPILE_AGAIN}, or name another bundle's directory")
    return verify(reader, Origin(str(directory), COMPILE_AGAIN), trust, wanted=wanted)


def read_published(  # what is read, by whose leave, how
    store: Store, digest: str, trust: Trust, deadline: Deadline, wanted: Wanted, told: Callable[[str], None]
) -> VerifiedBundle:
    """A bundle of a store. Raises BundleRefusal."""

    def read(name: str, limit: int) -> bytes:
        told(name)
        return retried(lambda seconds: _data(store, bundle_object(digest, name), limit, seconds), deadline)

    mend = f"publish it again: python -m bundle publish DIRECTORY {store.place}"
    return verify(read, Origin(f"{store.place}@{digest}", mend), trust, digest, wanted)


def _data(store: Store, name: str, limit: int, seconds: float) -> bytes:
    stored = store.read(name, limit, seconds)
    assert stored
    return stored.data
