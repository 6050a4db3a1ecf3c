"""Failing the Nth operation, N = 1, 2, 3, ... until none fails."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

Operation = Callable[..., object]

# All that the repository writes to a disk with.
WRITES: tuple[tuple[object, str], ...] = (
    (os, "fsync"),
    (os, "link"),
    (os, "fchmod"),
    (tempfile, "mkdtemp"),
    (tempfile, "mkstemp"),
    (Path, "rename"),
    (Path, "replace"),
    (Path, "symlink_to"),
    (Path, "mkdir"),
    (Path, "chmod"),
)
FULL = OSError(28, "No space left on device")
READ_ONLY = OSError(30, "Read-only file system")


def fail_nth_write(patch: pytest.MonkeyPatch, failing: int, error: OSError = FULL) -> Callable[[], bool]:
    """Make the Nth writing operation fail. The result says whether it was not reached."""
    calls = 0

    def counted(real: Operation) -> Operation:
        def operation(*arguments: object, **keywords: object) -> object:
            nonlocal calls
            calls += 1
            if calls == failing:
                raise error
            return real(*arguments, **keywords)

        return operation

    for owner, name in WRITES:
        patch.setattr(owner, name, counted(getattr(owner, name)))
    return lambda: calls < failing
