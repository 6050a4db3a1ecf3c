"""Files in a directory. A file is written under a temporary name, made durable, and renamed."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from contract.files import sync_directory
from score.files.job import Failed, Write

TEMPORARY = ".tmp"


class DirectoryPlace:
    """Outputs in a directory. Several processes may write the same file: one after the other, the same bytes."""

    def __init__(self, place: str) -> None:
        self._root = Path(place)

    def names(self) -> set[str]:
        """Return the names of all files, without those that are being written."""
        found = (path for path in self._root.rglob("*") if not path.name.endswith(TEMPORARY) and path.is_file())
        return {path.relative_to(self._root).as_posix() for path in found}

    def read(self, name: str) -> bytes:
        """Return a file. Raises Failed."""
        try:
            return (self._root / name).read_bytes()
        except OSError as error:
            raise Failed(f"cannot read {self._root / name}: {error.strerror}") from error

    def create(self, name: str, write: Write) -> None:
        """Write as Place says. Raises Failed."""
        path = self._root / name
        temporary = path.with_name(f".{path.name}{TEMPORARY}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(temporary) as file:
                try:
                    write(file)
                    file.flush()
                    os.fsync(file.fileno())
                    temporary.replace(path)
                except BaseException:
                    temporary.unlink(missing_ok=True)
                    raise
            sync_directory(path.parent)
        except OSError as error:
            what = error.strerror or error
            raise Failed(f"cannot write {path}: {what}; free some space or choose another --out") from error


@contextmanager
def _locked(temporary: Path) -> Iterator[IO[bytes]]:
    """Open an empty temporary file that no other process writes. A process that was killed has no lock any more."""
    while True:
        file = temporary.open("ab")
        fcntl.flock(file, fcntl.LOCK_EX)
        if temporary.exists() and temporary.stat().st_ino == os.fstat(file.fileno()).st_ino:
            break
        file.close()  # another process has renamed it meanwhile: it is no temporary file any more
    with file:
        file.truncate(0)
        yield file


class FileSource:
    """An input in the file system."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self.file: IO[bytes] = Path(path).open("rb")  # noqa: SIM115  # `close` closes it
        except OSError as error:
            raise Failed(f"cannot read {path}: {error.strerror}") from error

    def state(self) -> str:
        """Return size and time of the last change, of the file that has the name now."""
        try:
            return state_of(Path(self._path))
        except OSError as error:
            return f"gone: {error.strerror}"

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def state_of(path: Path) -> str:
    """Return what changes with a file's content. Raises OSError."""
    found = path.stat()
    return f"{found.st_size} bytes, changed at {found.st_mtime_ns} ns"
