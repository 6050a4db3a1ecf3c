"""Bundles that were fetched and verified, kept on this machine's disk for when the store cannot be reached.

    CACHEDIR.TAG         marks the directory as our cache; without it nothing is written or removed there
    bundles/<digest>/    the last two bundles that were loaded from each address, verified again whenever they are read
    state.json           which bundles these are, and the newest pointer seen of each channel

Files are written by rename, under a lock that is released when its process dies, so several workers can share it.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bundle.address import BundleAddress
from bundle.channels.pointer import Pointer
from bundle.channels.seen import Seen, with_pointer
from bundle.reading import directory_reader, read_file
from bundle.refusal import BundleRefusal
from bundle.stores.store import BUNDLES, CACHE_MARK, CACHE_TAG, CLOUD_SCHEME, LOCK_FILE
from bundle.verify import OWN, Origin, Trust, VerifiedBundle, Wanted, verify
from contract.files import write_atomically
from contract.manifest import MANIFEST_FILE, Sha256, encode
from contract.refusal import Refusal

STATE_FILE = "state.json"
MAX_STATE_BYTES = 1 << 20
KEPT = 2  # bundles kept for each address
OWN_NAMES = r"\.?[0-9a-f]{64}(\..*)?"  # a bundle, or one that a killed process left half-written
NAMES_IN_EMPTY_DIRECTORY = rf"lost\+found|{re.escape(LOCK_FILE)}|\.{re.escape(CACHE_TAG)}\..*"


class State(msgspec.Struct, frozen=True):
    """The content of state.json, by `BundleAddress.identities`.

    `seen` has the newest pointers seen. `good` has the digests of bundles that have loaded, the newest first.
    """

    seen: dict[str, tuple[Seen, ...]] = {}
    good: dict[str, tuple[Sha256, ...]] = {}


_decode_state = msgspec.json.Decoder(State).decode


class Cache:
    """A directory that several workers share.

    All methods raise BundleRefusal. The reason is `disk` if files of the cache cannot be read or written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def check_apart(self, place: str) -> None:
        """Raise BundleRefusal if the cache and a store contain each other: each removes files that it does not know."""
        if place.startswith(CLOUD_SCHEME):
            return
        cache, store = Path(os.path.realpath(self.root)), Path(os.path.realpath(place))
        if cache.is_relative_to(store) or store.is_relative_to(cache):
            raise BundleRefusal(
                "usage",
                f"the cache {self.root} and the store {place} lie in each other ({cache}, {store}); "
                "expected two directories apart, such as BUNDLE_CACHE=/var/tmp/penguins-cache",
            )

    def seen(self, address: BundleAddress) -> tuple[Seen, ...]:
        """Return the newest verified pointers of an address, one for each signer."""
        state = self._state()
        return tuple(seen for name in address.identities for seen in state.seen.get(name, ()))

    def note(self, address: BundleAddress, pointer: Pointer, signers: Sequence[str]) -> None:
        """Remember a verified pointer if it is newer than the newest one seen from its signers."""

        def with_pointer_noted(state: State) -> State:
            seen = {name: with_pointer(state.seen.get(name, ()), pointer, signers) for name in address.identities}
            return State({**state.seen, **seen}, state.good)

        self._update(with_pointer_noted)

    def keep(self, address: BundleAddress, bundle: VerifiedBundle) -> None:
        """Make this bundle the last known good one of the address. It has loaded and given its golden answer."""

        def with_bundle_kept(state: State) -> State:
            self._write(bundle)
            good = dict(state.good)
            for name in address.identities:
                older = [digest for digest in good.get(name, ()) if digest != bundle.digest]
                good[name] = (bundle.digest, *older)[:KEPT]
            return State(state.seen, good)

        self._update(with_bundle_kept)

    def take_up(self, digest: str, signatures: Mapping[str, bytes]) -> None:
        """Write further signatures beside a bundle, if the bundle is in the cache."""

        def with_signatures_written(state: State) -> State:
            if any(digest in digests for digests in state.good.values()):
                self._write_signatures(digest, signatures)
            return state

        self._update(with_signatures_written)

    def last_good(self, address: BundleAddress, trust: Trust, wanted: Wanted = OWN) -> VerifiedBundle:
        """Return the newest kept bundle that still verifies and is wanted. Raises BundleRefusal if there is none."""
        refused = BundleRefusal("missing", f"{self.root} keeps no bundle of {address}; it is kept once it has loaded")
        good = self._state().good
        for digest in dict.fromkeys(digest for name in address.identities for digest in good.get(name, ())):
            try:
                return self.find(digest, trust, wanted)
            except BundleRefusal as refusal:
                refused = refusal
        raise refused

    def find(self, digest: str, trust: Trust, wanted: Wanted = OWN) -> VerifiedBundle:
        """Return a bundle by its digest, verified. Raises BundleRefusal."""
        directory = self._directory(digest)
        origin = Origin(str(directory), f"remove it: rm -r {directory}")
        return verify(directory_reader(directory, origin.fix), origin, trust, digest, wanted)

    def _directory(self, digest: str) -> Path:
        return self.root / BUNDLES / digest

    def _write(self, bundle: VerifiedBundle) -> None:
        """Write a bundle. Signatures that are there stay: another service may trust only their keys."""
        from bundle.write import holds, write_directory  # imported late: nothing is written before the service serves

        directory = self._directory(bundle.digest)
        if holds(directory, {**bundle.files, MANIFEST_FILE: bundle.encoded}):
            self._write_signatures(bundle.digest, bundle.signatures)
        else:
            write_directory(directory, {**bundle.contents, MANIFEST_FILE: bundle.encoded})

    def _write_signatures(self, digest: str, signatures: Mapping[str, bytes]) -> None:
        from bundle.write import holds

        directory = self._directory(digest)
        for name, data in signatures.items():
            if not holds(directory, {name: data}):
                write_atomically(directory / name, data)

    def _state(self) -> State:
        """Return the state, which is empty if there is no file.

        A file that cannot be read is refused: it may know which old pointers must not be followed.
        """
        if not self._is_marked():
            return State()
        path = self.root / STATE_FILE
        fix = f"make it readable, or start without what was kept and seen: rm -r {self.root}"
        try:
            return _decode_state(read_file(path, MAX_STATE_BYTES, fix))
        except BundleRefusal as refusal:
            if refusal.reason == "missing":
                return State()
            raise BundleRefusal("disk", str(refusal)) from refusal
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BundleRefusal(
                "disk", f"{path}: expected what a bundle cache remembers, found something else ({error}); {fix}"
            ) from error

    def _update(self, change: Callable[[State], State]) -> None:
        try:
            self._check_place()
            (self.root / BUNDLES).mkdir(parents=True, exist_ok=True)
            with self._lock():
                if not self._is_marked():
                    write_atomically(self.root / CACHE_TAG, CACHE_MARK)
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

    def _is_marked(self) -> bool:
        try:
            return (self.root / CACHE_TAG).read_bytes() == CACHE_MARK
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise BundleRefusal(
                "disk", f"cannot read the cache {self.root}: {error.strerror}; make it readable, or choose another"
            ) from error

    def _check_place(self) -> None:
        """Raise BundleRefusal if the directory holds other files, such as a store's."""
        if self._is_marked() or not self.root.exists():
            return
        found = sorted(name for name in os.listdir(self.root) if not re.fullmatch(NAMES_IN_EMPTY_DIRECTORY, name))
        if found and found != [BUNDLES]:
            raise BundleRefusal(
                "disk",
                f"cannot write the cache {self.root}: expected an empty directory, or one that {CACHE_TAG} marks as a "
                f"bundle cache, found {', '.join(map(repr, found[:3]))}; set BUNDLE_CACHE to a directory of its own",
            )
        if found and os.listdir(self.root / BUNDLES):
            raise BundleRefusal(
                "disk",
                f"cannot write the cache {self.root}: it has bundles that are somebody else's; "
                "set BUNDLE_CACHE to a directory of its own",
            )

    @contextmanager
    def _lock(self) -> Iterator[None]:
        descriptor = os.open(self.root / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _remove_others(self, kept: set[str]) -> None:
        """Remove bundles that no state names, and parts that a killed process left. Nobody else writes now."""
        for path in (self.root / BUNDLES).iterdir():
            if path.name not in kept and re.fullmatch(OWN_NAMES, path.name):
                shutil.rmtree(path, ignore_errors=True)
