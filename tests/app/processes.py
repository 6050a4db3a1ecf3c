"""What a process holds, and services whose clock or life is in a test's hands."""

import os
from pathlib import Path

from tests.service import Service

SHIFTED = """
import datetime, os, pathlib
from app import following
from app.__main__ import leave_on_signals, main

class Clock(datetime.datetime):
    @classmethod
    def now(cls, zone=None):
        return super().now(zone) + datetime.timedelta(days=float(pathlib.Path(os.environ["SHIFT"]).read_text()))

following.datetime = Clock
leave_on_signals()
main([])
"""

# Dies at the Nth of everything that a swap does, counted once it serves.
KILLED = """
import os, pathlib, signal
from app import following, serving
from app.__main__ import leave_on_signals, main
from bundle.cache import Cache

calls = 0

def counted(owner, name):
    real = getattr(owner, name)
    def operation(*arguments, **keywords):
        global calls
        armed = pathlib.Path(os.environ["ARMED"])
        if armed.exists():
            calls += 1
            armed.write_text(str(calls))
        if calls == int(os.environ["KILL_AT"]):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **keywords)
    setattr(owner, name, operation)

for owner, name in [
    (following, "load_verified"), (serving.Serving, "swap"), (Cache, "keep"),
    (os, "fsync"), (pathlib.Path, "rename"), (pathlib.Path, "replace"),
]:
    counted(owner, name)
leave_on_signals()
main([])
"""


class Clock:
    """The clock of a service that is started as `shifted`."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "shift"
        (directory / "shifted.py").write_text(SHIFTED)
        self.environment = {"PYTHONPATH": str(directory), "SHIFT": str(self._file)}
        self.set(0)

    def set(self, days: float) -> None:
        """So far from the true time."""
        temporary = self._file.with_name("shift.tmp")
        temporary.write_text(str(days))
        temporary.replace(self._file)


def descriptors(service: Service) -> int:
    """How many it has open."""
    return len(os.listdir(f"/proc/{service.process.pid}/fd"))


def libraries(service: Service) -> int:
    """How many pieces of model libraries are mapped, and files of them open."""
    mapped = Path(f"/proc/{service.process.pid}/maps").read_text().count("memfd:libmodel")
    links = Path(f"/proc/{service.process.pid}/fd").iterdir()
    return mapped + sum("memfd:libmodel" in str(link.readlink()) for link in links if link.is_symlink())


def threads(service: Service) -> int:
    """How many it has."""
    return len(os.listdir(f"/proc/{service.process.pid}/task"))
