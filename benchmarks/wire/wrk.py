"""A closed loop by wrk: each connection sends its next request when it has its answer."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.wire.processes import NotServed, Started
from contract.refusal import Refusal

SCRIPT = Path(__file__).with_name("predict.lua")
CONNECTIONS = 16
MOST_ERRORS = 0.001  # of the requests


class Printed(msgspec.Struct, frozen=True):
    """What predict.lua prints."""

    requests: int
    duration_us: int
    errors: int


class Closed(NamedTuple):
    """One run of wrk. CPU is in seconds of all threads and processes during the run."""

    requests: int
    seconds: float
    server_cpu_s: float
    generator_cpu_s: float

    @property
    def rate(self) -> float:
        """Return requests a second."""
        return self.requests / self.seconds

    @property
    def cpu_us(self) -> float:
        """Return the server's CPU for one request, in microseconds."""
        return self.server_cpu_s / self.requests * 1e6


def require(*programs: str) -> None:
    """Raise Refusal if one of these programs is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            raise Refusal(f"{program} is not installed; on Debian: apt install {program}")


def closed(server: Started, seconds: int, request: str) -> Closed:
    """Run wrk on this process's cores; predict.lua fills the request in. Raises NotServed."""
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT)]
    command = ["wrk", *options, f"http://127.0.0.1:{server.port}"]
    before = server.cpu_seconds()
    with subprocess.Popen(command, env={**os.environ, "REQUEST": request}, stdout=subprocess.PIPE) as process:
        assert process.stdout
        said = process.stdout.read()
        _, process.returncode, usage = os.wait4(process.pid, 0)
    spent = server.cpu_seconds() - before
    printed = _read(said)
    refuse_errors(printed.errors, printed.requests)
    return Closed(printed.requests, printed.duration_us / 1e6, spent, usage.ru_utime + usage.ru_stime)


def _read(said: bytes) -> Printed:
    """Return the last line that wrk printed. Raises NotServed."""
    try:
        return msgspec.json.decode(said.splitlines()[-1], type=Printed)
    except (IndexError, msgspec.DecodeError):
        raise NotServed(f"wrk failed, saying: {said.decode(errors='replace').strip()}") from None


def refuse_errors(errors: int, requests: int) -> None:
    """Refuse a run with errors: an error is quicker than an answer and has no speed. Raises NotServed."""
    if not requests or errors > requests * MOST_ERRORS:
        raise NotServed(f"{errors:,} of {requests:,} requests were not answered with status 200")
