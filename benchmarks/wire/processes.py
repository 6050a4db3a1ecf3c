"""Servers as processes of their own: started on chosen cores, asked until they answer, and watched through /proc."""

import contextlib
import http.client
import multiprocessing
import os
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
from benchmarks.wire.question import BODY, answer_length, request
from contract.refusal import Refusal

TICKS = os.sysconf("SC_CLK_TCK")
STARTS_WITHIN = 60.0  # seconds
Cores = frozenset[int]
T = TypeVar("T")


class NotServed(Exception):
    """A server does not answer, or not what it should."""


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
        self.port = port
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
                raise NotServed(f"it ended with status {self.process.returncode}, saying: {self.last_words}")
            with contextlib.suppress(OSError):
                answer = ask(self.port)
                if answer.startswith(b"HTTP/1.1 200 "):
                    return answer
            time.sleep(0.0005)
        raise NotServed(f"no status 200 within {STARTS_WITHIN:.0f} s, found {answer[:80]!r}: {self.last_words}")

    def family(self) -> list[int]:
        """Return the processes that serve."""
        return family(self.process.pid)

    def cpu_seconds(self) -> dict[int, float]:
        """Return user and system time of all threads since the start, by process."""
        found = {}
        for process in self.family():  # utime and stime count ticks; Linux derives their sum from nanoseconds
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            found[process] = (int(fields[11]) + int(fields[12])) / TICKS
        return found

    def memory_mb(self, file: str = "status", name: str = "VmRSS") -> float:
        """Return megabytes (10^6 bytes) of all its processes by a line of /proc/PID/FILE."""
        texts = [Path(f"/proc/{process}/{file}").read_text() for process in self.family()]
        lines = [line for text in texts for line in text.splitlines() if line.startswith(f"{name}:")]
        return sum(int(line.split()[1]) for line in lines) * 1024 / 1e6

    def stop(self) -> None:
        """Stop it in good order if it can, and wait."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(15)
        self.kill()

    def kill(self) -> None:
        """Kill it with all its children."""
        for process in family(self.process.pid) if self.process.poll() is None else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait()
        self._said.close()


class Server(Started):
    """A running `python -m ...`."""

    def __init__(self, module: Sequence[str], port: int, environment: Mapping[str, str], cores: Cores) -> None:
        command = [sys.executable, "-m", *(word.format(port=port) for word in module)]
        super().__init__(command, port, environment, cores)


def _bare() -> dict[str, str]:
    """Return this process's environment without settings of servers, so that they run by their defaults."""
    ours = {field.encode_name for field in msgspec.structs.fields(Settings)} | {"WEB_CONCURRENCY"}
    return {name: value for name, value in os.environ.items() if name not in ours and not name.startswith("UVICORN_")}


def family(process: int) -> list[int]:
    """Return a process and all its descendants."""
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
        children = [int(word) for thread in threads for word in (thread / "children").read_text().split()]
    except OSError:  # it has ended
        return []
    return [process, *(descendant for child in children for descendant in family(child))]


def ask(port: int) -> bytes:
    """Send one request on a connection of its own, and return the whole answer. Raises OSError."""
    with socket.create_connection(("127.0.0.1", port), timeout=STARTS_WITHIN) as connection:
        connection.sendall(request(port))
        received = b""
        while (length := answer_length(received)) is None or len(received) < length:
            if not (data := connection.recv(65_536)):
                raise ConnectionResetError("the server closed the connection within its answer")
            received += data
    return received


def ask_often(port: int, requests: int) -> list[float]:
    """Return the seconds that each request took, one after the other on one connection."""
    took = []
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=STARTS_WITHIN)) as connection:
        for _ in range(requests):
            began = time.perf_counter()
            connection.request("POST", "/predict", BODY, {"Content-Type": "application/json"})
            connection.getresponse().read()
            took.append(time.perf_counter() - began)
    return took
