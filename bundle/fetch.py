"""Fetching a bundle from its address within one deadline, and finding out cheaply whether there is a newer one.

    source = BundleSource(parse_address("gs://models/penguins#stable"), Trust(trusted_keys(text)), Cache(path))
    fetched = source.fetch(10, now)     # raises BundleRefusal, whose `reason` is a label for metrics
    ...                                 # load fetched.bundle
    source.keep(fetched)                # now it is the last known good bundle
    newer = source.poll(10, now)        # None means nothing new: one request and no download
    bundle = source.last_good()         # from the disk, verified again; raises BundleRefusal

A source belongs to one thread at a time. It keeps its connection between polls.
"""

import threading
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bundle.address import BundleAddress, parse_address
from bundle.channels.channel import (
    MAX_POINTER_BYTES,
    SignedPointer,
    check_clock,
    check_expiry,
    check_order,
    read_pointer,
)
from bundle.channels.pointer import Pointer
from bundle.channels.seen import Seen, newest, with_pointer
from bundle.deadline import Deadline, retried, run_within
from bundle.published import OnProgress, origin, published_reader, read_published
from bundle.reading import directory_reader
from bundle.refusal import BundleRefusal
from bundle.signing.keys import TrustedKey
from bundle.stores.opening import open_store
from bundle.stores.store import ABSENT, Store, channel_object
from bundle.verify import OWN, Origin, Trust, VerifiedBundle, Wanted, verify, with_more_signatures
from contract.refusal import COMPILE, COMPILE_AGAIN
from contract.schema import Contract

if TYPE_CHECKING:
    from bundle.cache import Cache  # imported only if BUNDLE_CACHE is set

SIGNATURES_S = 2.0  # the longest time to look for missing signatures: a bundle is good without them


class Fetched(msgspec.Struct, frozen=True):
    """A verified bundle, and how it was fetched.

    `generation` is the pointer's. `seconds` is how long the fetch took. `cache_problem` says why something could not be
    written to the cache, or is None.
    """

    address: BundleAddress
    bundle: VerifiedBundle
    signed: SignedPointer | None
    generation: str  # of the pointer
    from_cache: bool
    seconds: float
    cache_problem: BundleRefusal | None = None

    @property
    def pointer(self) -> Pointer | None:
        """Return the channel's pointer, or None if the address names no channel."""
        return self.signed.pointer if self.signed else None


class BundleSource:
    """One address, and what this process and the cache have seen of it."""

    def __init__(
        self,
        address: BundleAddress,
        trust: Trust,
        cache: "Cache | None" = None,
        wanted: Wanted = OWN,
        on_progress: OnProgress | None = None,
    ) -> None:
        """Prepare a source; nothing is read.

        `on_progress` is called with the name of each file before the file is read from a store, on another thread.
        """
        self.address = address
        self._trust = trust
        self._cache = cache
        self._wanted = wanted
        self._on_progress = on_progress or (lambda _: None)
        self._store: Store | None = None
        self._turn = 0  # counts polls that were given up, so that their thread does not set the store too late
        self._lock = threading.Lock()
        self._seen: tuple[Seen, ...] = ()  # in memory, in case the cache cannot be written
        self._last: Fetched | None = None

    def expect(self, model_name: str, contract: Contract | None) -> None:
        """Refuse, from the next poll on, bundles of a model of another name or contract. Empty and None mean any."""
        self._wanted = msgspec.structs.replace(self._wanted, model_name=model_name, contract=contract)

    def fetch(self, deadline_seconds: float, now: datetime) -> Fetched:
        """Return the bundle that the address names now. Raises BundleRefusal."""
        self._last = None
        fetched = self.poll(deadline_seconds, now)
        assert fetched
        return fetched

    def poll(self, deadline_seconds: float, now: datetime) -> Fetched | None:
        """Return the bundle that the address names now, or None if it has not changed since the last call.

        Raises BundleRefusal.
        """
        last = self._last
        if last and not self.address.channel:
            return None  # a digest or a directory always names the same bundle
        deadline = Deadline(deadline_seconds)
        pointers: list[SignedPointer] = []  # newer pointers; the thread that adds to it may outlive this call
        seen, turn = self._newest_seen() if self.address.channel else None, self._turn
        try:
            fetched = run_within(
                deadline,
                lambda: self._read(turn, deadline, now, seen, last, pointers),
                self._leave,
                str(self.address),
            )
        finally:
            problem = self._note(pointers)
        if fetched is None:
            return None
        if last and last.bundle.digest == fetched.bundle.digest:
            problem = self._take_up(fetched.bundle, last.bundle) or problem
        self._last = fetched = msgspec.structs.replace(fetched, cache_problem=problem)
        return None if last and last.bundle.digest == fetched.bundle.digest else fetched

    @property
    def expires_at(self) -> datetime | None:
        """Return when the last accepted pointer expires; None before the first one, or if this is no channel."""
        pointer = self._last.pointer if self._last else None
        return pointer.expires_at if pointer else None

    def forget(self) -> None:
        """Make the next poll return the bundle again, even if it is the same."""
        self._last = None

    def keep(self, fetched: Fetched) -> None:
        """Make it the last known good bundle of the cache. Raises BundleRefusal if the disk fails."""
        if self._cache:
            self._cache.keep(self.address, fetched.bundle)

    def last_good(self) -> VerifiedBundle:
        """Return the last bundle that was kept and still verifies. Raises BundleRefusal if there is none."""
        if not self._cache:
            raise BundleRefusal("missing", f"no cache is configured for {self.address}; set BUNDLE_CACHE")
        return self._cache.last_good(self.address, self._trust, self._wanted)

    def close(self) -> None:
        """Close the connection."""
        store, self._store = self._store, None
        if store:
            store.close()

    def _leave(self) -> Store | None:
        """Give up the store, on which a thread may be waiting. The next poll opens a new one."""
        with self._lock:
            self._turn += 1
            store, self._store = self._store, None
        return store

    def _open(self, turn: int) -> Store:
        """Return the open store. Opening looks for credentials, which can take long."""
        if self._store and self._turn == turn:
            return self._store
        store = open_store(self.address.place)
        with self._lock:
            if self._turn == turn:
                self._store = store
                return store
        store.close()
        raise BundleRefusal("deadline", f"{self.address}: opened too late")

    def _read(  # all state is passed in: a thread that was given up must not see it change
        self,
        turn: int,
        deadline: Deadline,
        now: datetime,
        seen: Seen | None,
        last: Fetched | None,
        pointers: list[SignedPointer],
    ) -> Fetched | None:
        """Read the bundle on a thread of its own. Return None if the pointer has not moved."""
        start = time.monotonic()
        if not self.address.in_store:
            bundle = read_directory(Path(self.address.place), self._trust, self._wanted)
            return Fetched(self.address, bundle, None, ABSENT, False, time.monotonic() - start)
        store = self._open(turn)
        signed, generation, digest = None, ABSENT, self.address.digest
        if self.address.channel:
            signed, generation = self._pointer(store, deadline, last)
            check_clock(signed.pointer, now, str(self.address))
            check_order(signed.pointer, seen, str(self.address))
            pointers.append(signed)  # even an expired one: no older pointer is followed from now on
            check_expiry(signed.pointer, seen, now, str(self.address))
            digest = signed.pointer.digest
        assert digest
        if last and last.bundle.digest == digest:
            if generation == last.generation:
                return None
            bundle = self._with_more_signatures(store, last.bundle, deadline)
            return msgspec.structs.replace(last, bundle=bundle, signed=signed, generation=generation)
        cached = self._cached(digest)
        if cached:
            bundle = self._with_more_signatures(store, cached, deadline)
        else:
            bundle = read_published(store, digest, self._trust, deadline, self._wanted, self._on_progress)
        return Fetched(self.address, bundle, signed, generation, cached is not None, time.monotonic() - start)

    def _pointer(self, store: Store, deadline: Deadline, last: Fetched | None) -> tuple[SignedPointer, str]:
        """Return the channel's pointer and its generation, or the last ones if it has not moved."""
        channel = self.address.channel
        assert channel
        unless = last.generation if last else ABSENT
        stored = retried(
            lambda seconds: store.read(channel_object(channel), MAX_POINTER_BYTES, seconds, unless), deadline
        )
        if stored is None:
            assert last
            assert last.signed
            return last.signed, last.generation
        return read_pointer(stored.data, channel, self._trust, str(self.address)), stored.generation

    def _with_more_signatures(self, store: Store, bundle: VerifiedBundle, deadline: Deadline) -> VerifiedBundle:
        """Return the bundle with the signatures that came into the store after we fetched it.

        The bundle is good without them too, so a failure is ignored.
        """
        soon = Deadline(min(SIGNATURES_S, deadline.remaining / 4))
        try:
            read = published_reader(store, bundle.digest, soon, self._on_progress)
            return with_more_signatures(read, bundle, self._trust, origin(store, bundle.digest))
        except BundleRefusal:
            return bundle

    def _cached(self, digest: str) -> VerifiedBundle | None:
        try:
            return self._cache.find(digest, self._trust, self._wanted) if self._cache else None
        except BundleRefusal:
            return None

    def _newest_seen(self) -> Seen | None:
        """Return the newest pointer seen: no older pointer may be followed after it.

        Raises BundleRefusal if the cache cannot be read and this process has seen none.
        """
        kept: tuple[Seen, ...] = ()
        if self._cache:
            try:
                kept = self._cache.seen(self.address)
            except BundleRefusal:
                if not self._seen:
                    raise
        return newest((*kept, *self._seen), self._trust)

    def _note(self, pointers: list[SignedPointer]) -> BundleRefusal | None:
        """Remember the newest pointer in memory, and on disk. Return why the disk failed, or None."""
        for signed in pointers:
            self._seen = with_pointer(self._seen, signed.pointer, signed.signers)
            try:
                if self._cache:
                    self._cache.note(self.address, signed.pointer, signed.signers)
            except BundleRefusal as refusal:
                return refusal
        return None

    def _take_up(self, bundle: VerifiedBundle, before: VerifiedBundle) -> BundleRefusal | None:
        """Keep signatures that arrived after the bundle. Return why the disk failed, or None."""
        if not self._cache or bundle.signatures == before.signatures:
            return None
        try:
            self._cache.take_up(bundle.digest, bundle.signatures)
        except BundleRefusal as refusal:
            return refusal
        return None


def fetch(
    address: str, keys: tuple[TrustedKey, ...], cache: "Cache | None", deadline_seconds: float, now: datetime
) -> Fetched:
    """Fetch a signed bundle once. Raises BundleRefusal."""
    source = BundleSource(parse_address(address), Trust(keys), cache)
    try:
        return source.fetch(deadline_seconds, now)
    finally:
        source.close()


def read_directory(directory: Path, trust: Trust, wanted: Wanted = OWN) -> VerifiedBundle:
    """Read and verify a bundle's own directory, which may be a symbolic link. Raises BundleRefusal."""
    resolved = directory.resolve()  # the link may be moved to another bundle while we read
    reader = directory_reader(resolved, f"make one: {COMPILE}, or name another bundle's directory")
    fix = f"{COMPILE_AGAIN}, or fetch it again: python -m bundle fetch"
    return verify(reader, Origin(str(directory), fix), trust, wanted=wanted)
