"""A store in a local directory, with the same guarantees as the cloud."""

import fcntl
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bundle.reading import read_file
from bundle.refusal import BundleRefusal
from bundle.stores.store import ABSENT, BUNDLES, CACHE_MARK, CACHE_TAG, LOCK_FILE, Stored
from contract.files import sync_directory
from contract.manifest import Digest

TEMPORARY = r"\..+\.[a-z0-9_]{8}"  # the names that `_temporary` gives


class DirectoryStore:
    """Objects are files that appear complete, by a hard link. Channels move by a rename under a lock.

    A generation is the SHA-256 of the bytes. A channel's pointer holds a version that only grows, so no generation
    comes twice.
    """

    def __init__(self, root: Path) -> None:
        self.place = str(root)
        self._root = root

    def read(self, name: str, limit: int, seconds: float, unless: str = ABSENT) -> Stored | None:  # noqa: ARG002
        """Read as Store says. Files answer at once, so `seconds` is not used."""
        data = read_file(self._root / name, limit, f"python -m bundle list {self.place} shows what there is")
        generation = Digest.of(data).sha256
        return None if generation == unless else Stored(data, generation)

    def create(self, name: str, data: bytes, seconds: float) -> None:  # noqa: ARG002
        """Create as Store says."""
        path = self._root / name
        with self._writing(path), _temporary(path, data) as temporary:
            try:
                os.link(temporary, path)
            except FileExistsError:
                if read_file(path, len(data), "") != data:
                    raise conflict(str(path)) from None
            sync_directory(path.parent)

    def swap(self, name: str, data: bytes, generation: str, seconds: float) -> None:  # noqa: ARG002
        """Swap as Store says."""
        path = self._root / name
        with self._writing(path), self._lock(), _temporary(path, data) as temporary:
            found = Digest.of(path.read_bytes()).sha256 if path.exists() else ABSENT
            if found != generation:
                raise moved(str(path))
            temporary.replace(path)
            sync_directory(path.parent)

    def names(self, prefix: str, seconds: float) -> list[str]:  # noqa: ARG002
        """List as Store says, without files that are being written."""
        paths = (path.relative_to(self._root) for path in self._root.rglob("*") if path.is_file())
        names = (str(path) for path in paths if not path.name.startswith("."))
        return sorted(name for name in names if name.startswith(prefix))

    def remove(self, name: str, generation: str, seconds: float) -> None:  # noqa: ARG002
        """Remove as Store says. A bundle's directory is removed with its last file."""
        path = self._root / name
        if not path.exists():
            return
        with self._writing(path), self._lock(), suppress(FileNotFoundError):
            if generation and Digest.of(path.read_bytes()).sha256 != generation:
                raise moved(str(path))
            path.rmdir() if path.is_dir() else path.unlink()
            sync_directory(path.parent)
            if path.parent.parent == self._root / BUNDLES:
                with suppress(OSError):  # the directory is not empty
                    path.parent.rmdir()

    def leftovers(self, age: float, seconds: float) -> list[str]:  # noqa: ARG002
        """Return temporary files, and directories of bundles without a file."""
        oldest = time.time() - age
        hidden = (path for pattern in ("*/.*", f"{BUNDLES}/*/.*") for path in self._root.glob(pattern))
        found = [path for path in hidden if re.fullmatch(TEMPORARY, path.name) and path.is_file()]
        found += [path for path in self._root.glob(f"{BUNDLES}/*") if path.is_dir() and not any(path.iterdir())]
        return sorted(str(path.relative_to(self._root)) for path in found if path.lstat().st_mtime < oldest)

    def abort(self) -> None:
        """Do nothing: no call waits."""

    def close(self) -> None:
        """Do nothing: nothing is open."""

    @contextmanager
    def _writing(self, path: Path) -> Iterator[None]:
        if cache := _cache_around(self._root):
            raise BundleRefusal(
                "usage",
                f"{self.place}: {cache} is a service's bundle cache ({CACHE_TAG}), no store; choose another place",
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            raise BundleRefusal(
                "disk",
                f"cannot write {path}: {error.strerror}; free some space or choose another store, then try again",
            ) from error

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Hold the store's lock. The system releases it if the process dies."""
        descriptor = os.open(self._root / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _cache_around(root: Path) -> Path | None:
    """Return the bundle cache that contains the directory, or None. A cache removes files that it does not know."""
    absolute = root.absolute()
    for directory in (absolute, *absolute.parents):
        with suppress(OSError):
            if (directory / CACHE_TAG).read_bytes() == CACHE_MARK:
                return directory
    return None


def conflict(name: str) -> BundleRefusal:
    """Return the refusal for an object that exists with other bytes."""
    return BundleRefusal(
        "conflict", f"{name} is there with other bytes, and objects never change; look at it, remove it"
    )


def moved(name: str) -> BundleRefusal:
    """Return the refusal for an object that somebody else changed first."""
    return BundleRefusal(
        "conflict", f"{name} was moved by somebody else in the meantime; look where it points: python -m bundle list"
    )


@contextmanager
def _temporary(path: Path, data: bytes) -> Iterator[Path]:
    """Make a read-only file beside `path`, durable on disk. It is removed at the end."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(descriptor, 0o444)
            os.fsync(descriptor)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
