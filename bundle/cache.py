"""What was fetched and found good, on this machine's disk: served when the store cannot be reached.

    bundles/<digest>/    the last two that were loaded from each reference; verified again whenever they are read
    state.json           which these are, and the newest pointer seen of each channel

It is written by rename, under a lock that dies with its process, so that several workers can share it.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bundle.channel import Pointer, Seen
from bundle.directory import LOCK_FILE, read_file
from bundle.reference import Reference
from bundle.refusal import BundleRefusal
from bundle.store import BUNDLES
from bundle.verify import Origin, Read, Trust, VerifiedBundle, verify
from bundle.write import write_directory
from contract.files import write_atomically
from contract.manifest import MANIFEST_FILE, Sha256, encode
from contract.refusal import Refusal

STATE_FILE = "state.json"
MAX_STATE_BYTES = 1 << 20
KEPT = 2  # bundles a reference


class State(msgspec.Struct, frozen=True):
    """By reference: the newest pointer seen, and the bundles that were good, the last one first."""

    seen: dict[str, Seen] = {}
    good: dict[str, tuple[Sha256, ...]] = {}


class Cache:
    """Reading never fails but where nothing good is there; writing raises BundleRefusal with the reason `disk`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def seen(self, reference: Reference) -> Seen | None:
        """The newest pointer that was verified."""
        return self._state().seen.get(str(reference))

    def note(self, reference: Reference, pointer: Pointer) -> None:
        """Remember a verified pointer, where it is newer than the newest seen."""

        def noted(state: State) -> State:
            known = state.seen.get(str(reference))
            if known and known.version >= pointer.version:
                return state
            seen = Seen(pointer.version, pointer.digest, pointer.created_at)
            return State({**state.seen, str(reference): seen}, state.good)

        self._update(noted)

    def keep(self, reference: Reference, bundle: VerifiedBundle) -> None:
        """Make a bundle that has loaded and given its golden answer the last known good one."""

        def kept(state: State) -> State:
            write_directory(self._directory(bundle.digest), {**bundle.contents, MANIFEST_FILE: bundle.encoded})
            older = [digest for digest in state.good.get(str(reference), ()) if digest != bundle.digest]
            return State(state.seen, {**state.good, str(reference): (bundle.digest, *older)[:KEPT]})

        self._update(kept)

    def last_good(self, reference: Reference, trust: Trust) -> VerifiedBundle:
        """The newest of those kept that still verifies. Raises BundleRefusal where there is none."""
        refused = BundleRefusal("missing", f"{self.root} keeps no bundle of {reference}; it is kept once it has loaded")
        for digest in self._state().good.get(str(reference), ()):
            try:
                return self.find(digest, trust)
            except BundleRefusal as refusal:
                refused = refusal
        raise refused

    def find(self, digest: str, trust: Trust) -> VerifiedBundle:
        """A bundle by its name, verified. Raises BundleRefusal."""
        directory = self._directory(digest)
        origin = Origin(str(directory), f"remove it: rm -r {directory}")
        return verify(directory_reader(directory, origin.mend), origin, trust, digest)

    def _directory(self, digest: str) -> Path:
        return self.root / BUNDLES / digest

    def _state(self) -> State:
        """Empty where it cannot be read: what it names is verified, and it must not keep a service from starting."""
        try:
            return msgspec.json.decode(read_file(self.root / STATE_FILE, MAX_STATE_BYTES, ""), type=State)
        except (BundleRefusal, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return State()

    def _update(self, change: Callable[[State], State]) -> None:
        try:
            (self.root / BUNDLES).mkdir(parents=True, exist_ok=True)
            with self._lock():
                before = self._state()
                after = change(before)
                if after != before:
                    write_atomically(self.root / STATE_FILE, encode(after))
                self._remove_others({digest for digests in after.good.values() for digest in digests})
        except OSError as error:
            raise BundleRefusal(
                "disk", f"cannot write the cache {self.root}: {error.strerror}; free some space"
            ) from error
        except BundleRefusal:
            raise
        except Refusal as refusal:
            raise BundleRefusal("disk", str(refusal)) from refusal

    @contextmanager
    def _lock(self) -> Iterator[None]:
        descriptor = os.open(self.root / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _remove_others(self, kept: set[str]) -> None:
        """Also what a killed process left half-written: nobody else is writing now."""
        for path in (self.root / BUNDLES).glob("*"):
            if path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)


def directory_reader(directory: Path, mend: str) -> Read:
    """How `verify` reads a bundle's own directory."""
    return lambda name, limit: read_file(directory / name, limit, mend)
