"""Servers as processes of their own: started on chosen cores, and what Linux knows about them."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from app.settings import Settings
from benchmarks.compiled import ROOT
from benchmarks.wire.results import Memory
from contract.refusal import Refusal

TICKS = os.sysconf("SC_CLK_TCK")
Cores = frozenset[int]


def two_cores() -> tuple[Cores, Cores]:
    """One for the server, one for the generator. Raises Refusal."""
    if not hasattr(os, "sched_getaffinity"):
        raise Refusal("this benchmark pins processes to cores and reads /proc: it needs Linux")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise Refusal(f"server and load generator need a core each, found {len(cores)}; use a larger machine")
    return frozenset(cores[:1]), frozenset(cores[1:2])


@contextlib.contextmanager
def on(cores: Cores) -> Iterator[None]:
    """This process and those it starts meanwhile run on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Started:
    """A command that has a server listen on a port, with its children."""

    def __init__(self, command: Sequence[str], port: int, environment: Mapping[str, str], cores: Cores) -> None:
        self.port = port
        self.new_heads = False  # what asks it numbers its requests
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        with on(cores):
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**_bare(), **environment, "PORT": str(port), "HOST": "127.0.0.1"},
                stdout=subprocess.DEVNULL,
                stderr=self._said,
            )

    @property
    def last_words(self) -> str:
        """The last line it wrote to stderr."""
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "nothing"

    def cpu_seconds(self) -> dict[int, float]:
        """By process: user and system time of all its threads since it began."""
        return {process: _cpu_seconds(process) for process in family(self.process.pid)}

    def rss_mb(self) -> float:
        """Megabytes (10^6 bytes) resident, of all its processes together."""
        kilobytes = (_kilobytes(f"/proc/{process}/status", "VmRSS") for process in family(self.process.pid))
        return sum(kilobytes) * 1024 / 1e6

    def memory(self) -> Memory:
        """Of all its processes together."""
        shared = (_kilobytes(f"/proc/{process}/smaps_rollup", "Pss") for process in family(self.process.pid))
        return Memory(rss_mb=self.rss_mb(), pss_mb=sum(shared) * 1024 / 1e6)

    def stop(self) -> None:
        """In good order, where it can."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(15)
        self.kill()

    def kill(self) -> None:
        """At once, with all its children."""
        for process in family(self.process.pid) if self.process.poll() is None else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait()
        self._said.close()


class Server(Started):
    """A running `python -m ...`."""

    def __init__(self, module: tuple[str, ...], port: int, environment: Mapping[str, str], cores: Cores) -> None:
        command = [sys.executable, "-m", *(word.format(port=port) for word in module)]
        super().__init__(command, port, environment, cores)


def _bare() -> dict[str, str]:
    """This process's environment without anybody's settings: servers run as they come."""
    ours = {field.encode_name for field in msgspec.structs.fields(Settings)}
    return {
        name: value
        for name, value in os.environ.items()
        if name not in ours and name != "WEB_CONCURRENCY" and not name.startswith("UVICORN_")
    }


def family(process: int) -> list[int]:
    """A process and all that descend from it."""
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
        children = [int(word) for thread in threads for word in (thread / "children").read_text().split()]
    except OSError:  # it has ended
        return []
    return [process, *(descendant for child in children for descendant in family(child))]


def _cpu_seconds(process: int) -> float:
    return cpu_seconds_in(Path(f"/proc/{process}/stat").read_text())


def cpu_seconds_in(stat: str) -> float:
    """utime and stime, which count ticks; Linux derives their sum from a clock of nanoseconds."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _kilobytes(path: str, name: str) -> int:
    return kilobytes_in(Path(path).read_text(), name)


def kilobytes_in(status: str, name: str) -> int:
    """A line of /proc/PID/status, or of a file like it."""
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{name}:"))
