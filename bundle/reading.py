"""Reading files of a local bundle, of a store in a directory, or of a cache: only regular files, up to a limit."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from bundle.refusal import BundleRefusal, Reason

REASONS: dict[type[OSError], Reason] = {
    FileNotFoundError: "missing",
    NotADirectoryError: "missing",
    PermissionError: "forbidden",
    IsADirectoryError: "name",
}


def read_file(path: Path, limit: int, fix: str) -> bytes:
    """Return the first `limit` + 1 bytes of a regular file. Raises BundleRefusal, also for a symbolic link.

    `fix` is the advice at the end of the message.
    """
    try:
        # Non-blocking: opening a named pipe would otherwise wait for its writer for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise BundleRefusal("name", f"{path}: expected a regular file; {fix}")
            data = bytearray()
            while len(data) <= limit and (piece := file.read(limit + 1 - len(data))):
                data += piece
            return bytes(data)
    except OSError as error:
        if path.is_symlink():
            raise BundleRefusal("name", f"{path}: expected a regular file, found a symbolic link; {fix}") from error
        reason = REASONS.get(type(error), "failing")
        raise BundleRefusal(reason, f"cannot read {path}: {error.strerror}; {fix}") from error


def directory_reader(directory: Path, fix: str) -> Callable[[str, int], bytes]:
    """Return the function by which `verify` reads a bundle's directory."""
    return lambda name, limit: read_file(directory / name, limit, fix)
