"""What a canary decided and did, one line of JSON each, on the disk before it acts."""

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from contract.refusal import Refusal

Event = Literal["started", "shifting", "shifted", "measured", "rolling back", "rolled back", "promoted", "held"]


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """`share` is the new revision's, in percent; `figures` are what the gates read."""

    at: datetime
    event: Event
    splitter: str
    old: str
    new: str
    share: float
    why: str = ""
    figures: dict[str, Any] = msgspec.field(default_factory=dict)


class Audit:
    """The log of all canaries of a service. Only one process has it open. Nothing in it is ever changed."""

    def __init__(self, path: Path, splitter: str) -> None:
        self._path, self._splitter = path, splitter
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._end_torn_line()
        except BlockingIOError as error:
            os.close(self._file)
            raise Refusal(f"another canary is running: it has {path} open; wait for it, or stop it") from error
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> Refusal:
        return Refusal(f"cannot write the audit log {self._path}: {error.strerror}; choose another with --audit")

    def _end_torn_line(self) -> None:
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")  # whoever wrote it was killed

    def write(
        self, event: Event, old: str, new: str, share: float, why: str = "", figures: dict[str, object] | None = None
    ) -> Entry:
        """One line, durable when this returns. Raises Refusal."""
        entry = Entry(datetime.now(UTC), event, self._splitter, old, new, share, why, figures or {})
        try:
            os.write(self._file, msgspec.json.encode(entry) + b"\n")
            os.fsync(self._file)
        except OSError as error:
            raise self._refused(error) from error
        return entry

    def last(self, old: str, new: str) -> Entry | None:
        """The newest line about these two of this splitter."""
        own = [each for each in read_entries(self._path) if (each.old, each.new) == (old, new)]
        return next((each for each in reversed(own) if each.splitter == self._splitter), None)

    def close(self) -> None:
        """Let others have it."""
        os.close(self._file)


def read_entries(path: Path) -> list[Entry]:
    """All whole lines; half a line, of who was killed while writing, is left out. Raises Refusal."""
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
    except OSError as error:
        raise Refusal(f"cannot read the audit log {path}: {error.strerror}") from error
    found = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=Entry))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return found
