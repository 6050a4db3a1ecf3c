"""Writing files so that a reader sees the old bytes or the new bytes, never a mix, even if the writer is killed."""

import os
from contextlib import suppress
from pathlib import Path

from contract.refusal import Refusal


def write_atomically(path: Path, data: bytes) -> None:
    """Write a temporary file in the same directory, fsync it and rename it.

    Raises Refusal if the file system fails.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(temporary, data)
        temporary.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise Refusal(f"cannot write {path}: {error.strerror}; free some space or choose another place") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_durably(path: Path, data: bytes) -> None:
    """Create or overwrite `path` and fsync it. Raises OSError."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
