"""Bundles in a local directory: one that was just compiled, and a store with the cloud's guarantees."""

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bundle.refusal import BundleRefusal, Reason
from bundle.store import ABSENT, Stored
from contract.files import sync_directory
from contract.manifest import Digest

LOCK_FILE = ".lock"
REASONS: dict[type[OSError], Reason] = {
    FileNotFoundError: "missing",
    NotADirectoryError: "missing",
    PermissionError: "forbidden",
}


def read_file(path: Path, limit: int, mend: str) -> bytes:
    """The first `limit` + 1 bytes of a regular file that is no symbolic link. Raises BundleRefusal."""
    try:
        # Not blocking: a named pipe in the place of a file would wait for its other end for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise BundleRefusal("name", f"{path}: expected a regular file; {mend}")
            data = bytearray()
            while len(data) <= limit and (piece := file.read(limit + 1 - len(data))):
                data += piece
            return bytes(data)
    except OSError as error:
        if path.is_symlink():
            raise BundleRefusal("name", f"{path}: expected a regular file, found a symbolic link; {mend}") from error
        reason = REASONS.get(type(error), "failing")
        raise BundleRefusal(reason, f"cannot read {path}: {error.strerror}; {mend}") from error


class DirectoryStore:
    """Objects are files that appear whole, by a link; channels move by a rename under a lock.

    A generation is the SHA-256 of the bytes: a channel's pointer holds a version that only grows, so none comes twice.
    """

    def __init__(self, root: Path) -> None:
        self.place = str(root)
        self._root = root

    def read(self, name: str, limit: int, seconds: float, unless: str = ABSENT) -> Stored | None:  # noqa: ARG002
        """As Store says; files do not keep one waiting."""
        data = read_file(self._root / name, limit, f"python -m bundle list {self.place} shows what there is")
        generation = Digest.of(data).sha256
        return None if generation == unless else Stored(data, generation)

    def create(self, name: str, data: bytes, seconds: float) -> None:  # noqa: ARG002
        """As Store says."""
        path = self._root / name
        with self._writing(path), _temporary(path, data) as temporary:
            try:
                os.link(temporary, path)
            except FileExistsError:
                if read_file(path, len(data), "") != data:
                    raise conflict(str(path)) from None
            sync_directory(path.parent)

    def swap(self, name: str, data: bytes, generation: str, seconds: float) -> None:  # noqa: ARG002
        """As Store says."""
        path = self._root / name
        with self._writing(path), self._lock(), _temporary(path, data) as temporary:
            found = Digest.of(path.read_bytes()).sha256 if path.exists() else ABSENT
            if found != generation:
                raise moved(str(path))
            temporary.replace(path)
            sync_directory(path.parent)

    def names(self, prefix: str, seconds: float) -> list[str]:  # noqa: ARG002
        """As Store says; files that are being written do not count."""
        paths = (path.relative_to(self._root) for path in self._root.rglob("*") if path.is_file())
        names = (str(path) for path in paths if not path.name.startswith("."))
        return sorted(name for name in names if name.startswith(prefix))

    def abort(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""

    @contextmanager
    def _writing(self, path: Path) -> Iterator[None]:
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
        """Held by one process at a time, and given up when it dies."""
        descriptor = os.open(self._root / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def conflict(name: str) -> BundleRefusal:
    """Another object stands where a new one was to be made."""
    return BundleRefusal(
        "conflict", f"{name} is there with other bytes, and objects never change; look at it, remove it"
    )


def moved(name: str) -> BundleRefusal:
    """Somebody else was faster."""
    return BundleRefusal(
        "conflict", f"{name} was moved by somebody else in the meantime; look where it points: python -m bundle list"
    )


@contextmanager
def _temporary(path: Path, data: bytes) -> Iterator[Path]:
    """A read-only file beside `path`, on disk, that is gone in the end."""
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
