"""What a process has open, and services with a test's own clock or a death at a chosen step."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import ROOT
from tests.support.service import OWN, Service, lines

STOPS_SECONDS = 20  # eight by themselves (app/process/server.py); the rest is what a busy machine takes to notice
WORKERS = pytest.mark.parametrize("workers", ["1", "2"])
SHIFTED = """
import datetime, os, pathlib
from app.model import following
from app.__main__ import main
from app.process.signals import leave_on_signals

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
from app.model import following
from app.model import serving
from app.__main__ import main
from app.process.signals import leave_on_signals
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
        """Set the clock this many days from the true time."""
        temporary = self._file.with_name("shift.tmp")
        temporary.write_text(str(days))
        temporary.replace(self._file)


def descriptors(service: Service) -> int:
    """Return how many descriptors the service has open."""
    return len(os.listdir(f"/proc/{service.process.pid}/fd"))


def libraries(service: Service) -> int:
    """Return how many model libraries the service has mapped or open."""
    mapped = Path(f"/proc/{service.process.pid}/maps").read_text().count("memfd:libmodel")
    return mapped + sum("memfd:libmodel" in target for target in opened_by(service.process.pid).values())


def opened_by(process: int | str) -> dict[int, str]:
    """Return what each descriptor of a process is. It may close some meanwhile: those are left out."""
    opened = {}
    for link in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):
            opened[int(link.name)] = str(link.readlink())
    return opened


def threads(service: Service) -> int:
    """Return how many threads the service has."""
    return len(os.listdir(f"/proc/{service.process.pid}/task"))


def workers_of(service: Service) -> list[int]:
    """Return the process numbers of the service's workers."""
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text()
    return [int(child) for child in children.split()]


def another_serves(service: Service) -> None:
    """Return when one more worker serves."""
    for line in lines(service.process):
        if "serves" in line:
            return
    raise AssertionError("it ended")


def start(
    bundle_path: Path, stdout: Any = subprocess.DEVNULL, stderr: Any = subprocess.DEVNULL, **environment: str
) -> "subprocess.Popen[str]":
    """Start a service whose output goes where the test wants it."""
    return subprocess.Popen(
        [sys.executable, "-m", "app"],
        cwd=ROOT,
        env={**os.environ, "BUNDLE": str(bundle_path), "HOST": "127.0.0.1", **OWN, **environment},
        stdout=stdout,
        stderr=stderr,
        text=True,
    )
