"""What a canary decided and did: one line of JSON for each event, on disk before the canary acts."""

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from contract.refusal import Refusal

CanaryEvent = Literal["started", "shifting", "shifted", "measured", "rolling back", "rolled back", "promoted", "held"]


class AuditEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event. `share` is the new revision's, in percent. `figures` are what the gates read."""

    at: datetime
    event: CanaryEvent
    splitter: str
    old: str
    new: str
    share: float
    why: str = ""
    figures: dict[str, Any] = msgspec.field(default_factory=dict)


class Audit:
    """The log of all canaries of a service. Only one process has it open at a time. Lines are never changed."""

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
            os.write(self._file, b"\n")  # its writer was killed

    def write(
        self,
        event: CanaryEvent,
        old: str,
        new: str,
        share: float,
        why: str = "",
        figures: dict[str, object] | None = None,
    ) -> AuditEntry:
        """Append one line. It is on disk when this returns. Raises Refusal."""
        entry = AuditEntry(datetime.now(UTC), event, self._splitter, old, new, share, why, figures or {})
        try:
            os.write(self._file, msgspec.json.encode(entry) + b"\n")
            os.fsync(self._file)
        except OSError as error:
            raise self._refused(error) from error
        return entry

    def last(self, old: str, new: str) -> AuditEntry | None:
        """Return the newest line about these two revisions of this splitter, or None."""
        own = [each for each in read_entries(self._path) if (each.old, each.new) == (old, new)]
        return next((each for each in reversed(own) if each.splitter == self._splitter), None)

    def close(self) -> None:
        """Release the log for other processes."""
        os.close(self._file)


def read_entries(path: Path) -> list[AuditEntry]:
    """Return all complete lines. A partial line, from a writer that was killed, is left out. Raises Refusal."""
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
    except OSError as error:
        raise Refusal(f"cannot read the audit log {path}: {error.strerror}") from error
    found = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=AuditEntry))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return found
