"""Servers as processes of their own: started on chosen cores, asked until they answer, and watched through /proc."""

import contextlib
import multiprocessing
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from app.core.settings import Settings
from benchmarks.machine import ROOT
from benchmarks.wire.connection import Connection
from contract.refusal import Refusal

TICKS = os.sysconf("SC_CLK_TCK")
STARTS_WITHIN, STOPS_WITHIN = 60.0, 15.0  # seconds
SERVERS_OWN = ("UVICORN_", "GRANIAN_")  # variables of the environment
Cores = frozenset[int]
T = TypeVar("T")


class NotServed(Refusal):
    """A server does not answer, or not what it should."""


@contextlib.contextmanager
def naming(words: str) -> Iterator[None]:
    """Let a NotServed within the block say of which server it is."""
    try:
        yield
    except NotServed as reason:
        raise NotServed(f"{words}: {reason}") from None


def two_cores() -> tuple[Cores, Cores]:
    """Return one core for the server and one for the generator. Raises Refusal."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise Refusal(f"server and load generator need a core each, found {len(cores)}; use a larger machine")
    return frozenset(cores[:1]), frozenset(cores[1:2])


@contextlib.contextmanager
def on(cores: Cores) -> Iterator[None]:
    """Run this process, and those it starts, on these cores until the block ends."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def apart(call: Callable[..., T], *arguments: object) -> T:
    """Return what a call returns in a fresh process, on this process's cores."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(call, *arguments).result()


class Started:
    """A command that lets a server listen on a port, with its children."""

    def __init__(self, command: Sequence[str], port: int, environment: Mapping[str, str], cores: Cores) -> None:
        self.port, self._command = port, shlex.join(command)
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
        """Return the last line that it wrote to stderr."""
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "nothing"

    def first_answer(self) -> bytes:
        """Ask until it answers 200, and return the whole answer. Raises NotServed if it ends or never does."""
        end, answer = time.monotonic() + STARTS_WITHIN, b""
        while time.monotonic() < end:
            if self.process.poll() is not None:
                status = self.process.returncode
                raise NotServed(f"{self._command} ended with status {status}, saying: {self.last_words}")
            with contextlib.suppress(OSError), contextlib.closing(Connection(self.port)) as connection:
                answer = connection.ask()
                if answer.startswith(b"HTTP/1.1 200 "):
                    return answer
            time.sleep(0.0005)
        waited = f"no answer of status 200 within {STARTS_WITHIN:.0f} s"
        raise NotServed(f"{self._command}: {waited}, found {answer[:80]!r}, saying: {self.last_words}")

    def family(self) -> list[int]:
        """Return the processes that serve."""
        return family(self.process.pid)

    def cpu_seconds(self) -> float:
        """Return user and system time of all its processes since the start."""
        ticks = 0
        for process in self.family():  # utime and stime count ticks; Linux derives their sum from nanoseconds
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS

    def memory_mb(self, field: str = "VmRSS") -> float:
        """Return resident megabytes (10^6 bytes) of all its processes, or the most that they had: VmHWM."""
        texts = [Path(f"/proc/{process}/status").read_text() for process in self.family()]
        return sum(int(text.partition(f"{field}:")[2].split()[0]) for text in texts) * 1024 / 1e6

    def stop(self) -> None:
        """Stop it in good order if it can; kill what is left of it."""
        self.process.terminate()
        self.process.send_signal(signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOPS_WITHIN)
        for process in family(self.process.pid) if self.process.poll() is None else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait()
        self._said.close()


class Server(Started):
    """A running `python -m ...`; `{port}` in a word of it is its port."""

    def __init__(self, module: Sequence[str], environment: Mapping[str, str], cores: Cores) -> None:
        port = free_port()
        command = [sys.executable, "-m", *(word.format(port=port) for word in module)]
        super().__init__(command, port, environment, cores)


@contextlib.contextmanager
def serving(module: Sequence[str], environment: Mapping[str, str], cores: Cores) -> Iterator[Server]:
    """Run a server that has answered until the block ends. Raises NotServed."""
    server = Server(module, environment, cores)
    try:
        server.first_answer()
        yield server
    finally:
        server.stop()


def _bare() -> dict[str, str]:
    """Return this process's environment without settings of servers, so that they run by their defaults.

    Python keeps what it compiled, as for packages: else each start of ours would compile its modules anew.
    """
    ours = {field.encode_name for field in msgspec.structs.fields(Settings)}
    ours |= {"WEB_CONCURRENCY", "PYTHONDONTWRITEBYTECODE"}
    return {name: value for name, value in os.environ.items() if name not in ours and not name.startswith(SERVERS_OWN)}


def family(process: int) -> list[int]:
    """Return a process and all its descendants."""
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
        children = [int(word) for thread in threads for word in (thread / "children").read_text().split()]
    except OSError:  # it has ended
        return []
    return [process, *(descendant for child in children for descendant in family(child))]
