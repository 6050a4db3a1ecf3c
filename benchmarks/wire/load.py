"""Load on a running server: closed by wrk, open by our own generator."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.compiled import ROOT
from benchmarks.wire.example import BODY, Wrong, request
from benchmarks.wire.openloop import Load, Outcome
from benchmarks.wire.plan import MANY
from benchmarks.wire.processes import Cores, Started, on
from benchmarks.wire.results import Closed, Open, Shared
from contract.refusal import Refusal

SCRIPT = Path(__file__).with_name("predict.lua")
MOST_ERRORS = 0.001  # of the requests
BUSY = 0.2  # of a core: a worker with less has no part in the answers
WRK = "wrk is not installed; on Debian: apt install wrk"


class Report(msgspec.Struct, frozen=True):
    """What predict.lua prints."""

    requests: int
    duration_us: int
    errors: int
    p50_us: float
    p99_us: float


def require_wrk() -> str:
    """Its version. Raises Refusal where it is not installed."""
    if shutil.which("wrk") is None:
        raise Refusal(WRK)
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout  # noqa: S607
    return said.split("[")[0].removeprefix("wrk").strip()


class Burst(NamedTuple):
    """What ran at once: reports and seconds of CPU by generator, seconds of CPU by the server's process."""

    reports: list[Report]
    generators: list[float]
    server: dict[int, float]


def closed(server: Started, connections: int, seconds: int, core: Cores) -> Closed:
    """One wrk on a core of its own. Raises Wrong."""
    burst = _burst(server, connections, seconds, [core])
    report = burst.reports[0]
    return Closed(
        requests=report.requests,
        seconds=report.duration_us / 1e6,
        errors=report.errors,
        server_cpu_s=round(sum(burst.server.values()), 4),
        generator_cpu_s=round(burst.generators[0], 4),
        p50_us=report.p50_us,
        p99_us=report.p99_us,
    )


def shared(server: Started, workers: int, seconds: int, cores: Sequence[Cores]) -> Shared:
    """A wrk on each core, of which the first `workers` are the server's too. Raises Wrong."""
    burst = _burst(server, MANY, seconds, cores)
    found = Shared(
        requests=sum(report.requests for report in burst.reports),
        seconds=max(report.duration_us for report in burst.reports) / 1e6,
        cores=workers,
        server_cpu_s=round(sum(burst.server.values()), 4),
        generator_cpu_s=round(sum(burst.generators[:workers]), 4),
    )
    busy = sum(spent > BUSY * found.seconds for spent in burst.server.values())
    if busy != workers:
        raise Wrong(f"expected {workers} processes with work, found {busy}")
    return found


def _burst(server: Started, connections: int, seconds: int, cores: Sequence[Cores]) -> Burst:
    before = server.cpu_seconds()
    started = [_wrk(server, connections, seconds, core) for core in cores]
    finished = [_finish(process) for process in started]
    spent = {process: after - before.get(process, 0.0) for process, after in server.cpu_seconds().items()}
    return Burst([report for report, _ in finished], [cpu for _, cpu in finished], spent)


def _wrk(server: Started, connections: int, seconds: int, core: Cores) -> "subprocess.Popen[bytes]":
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT)]
    with on(core):
        return subprocess.Popen(
            ["wrk", *options, f"http://127.0.0.1:{server.port}/predict"],  # noqa: S607  # require_wrk has found it on PATH
            env={**os.environ, "BODY": BODY.decode(), "NEW_HEADS": "1" if server.new_heads else ""},
            stdout=subprocess.PIPE,
        )


def _finish(process: "subprocess.Popen[bytes]") -> tuple[Report, float]:
    """Its report and the seconds of CPU it took. Raises Wrong."""
    assert process.stdout
    with process.stdout as stream:
        said = stream.read()
    _, process.returncode, usage = os.wait4(process.pid, 0)
    try:
        report = msgspec.json.decode(said.splitlines()[-1], type=Report)
    except (IndexError, msgspec.DecodeError):
        raise Wrong(f"wrk failed, saying: {said.decode(errors='replace').strip()}") from None
    _refuse_errors(report.errors, report.requests)
    return report, usage.ru_utime + usage.ru_stime


def open_loop(port: int, rate: float, seconds: float, new_heads: bool = False) -> Open:
    """One run of the open loop. Raises Wrong."""
    load = Load(port, request(port), rate, seconds, new_heads=new_heads)
    command = [sys.executable, "-m", "benchmarks.wire.openloop"]
    printed = subprocess.run(command, cwd=ROOT, input=msgspec.json.encode(load), stdout=subprocess.PIPE, check=True)
    outcome = msgspec.json.decode(printed.stdout, type=Outcome)
    _refuse_errors(outcome.wrong, outcome.requests)
    return Open(round(rate, 1), outcome)


def _refuse_errors(errors: int, requests: int) -> None:
    """A refusal is quicker than an answer, and has no speed."""
    if not requests or errors > requests * MOST_ERRORS:
        raise Wrong(f"{errors:,} of {requests:,} requests were not answered with status 200")
