"""Closed loops by wrk, each on a core of its own."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.wire.plan import MANY
from benchmarks.wire.processes import Cores, NotServed, Started, on
from benchmarks.wire.question import BODY, CLOUD
from benchmarks.wire.results import Closed, Shared
from contract.refusal import Refusal

SCRIPT = Path(__file__).with_name("predict.lua")
MOST_ERRORS = 0.001  # of the requests
BUSY = 0.2  # of a core: a worker that uses less answers nothing


class Printed(msgspec.Struct, frozen=True):
    """What predict.lua prints."""

    requests: int
    duration_us: int
    errors: int
    p50_us: float
    p99_us: float


def require_wrk() -> str:
    """Return wrk's version. Raises Refusal if it is not installed."""
    if shutil.which("wrk") is None:
        raise Refusal("wrk is not installed; on Debian: apt install wrk")
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout  # noqa: S607
    return said.split("[")[0].removeprefix("wrk").strip()


def closed(server: Started, connections: int, seconds: int, core: Cores, *, cloud: bool) -> Closed:
    """Run one wrk. Raises NotServed."""
    (printed,), (generator,), spent = _burst(server, connections, seconds, [core], cloud)
    took = printed.duration_us / 1e6
    return Closed(printed.requests, took, sum(spent), generator, printed.p50_us, printed.p99_us)


def shared(server: Started, workers: int, seconds: int, cores: Sequence[Cores]) -> Shared:
    """Run a wrk on each core; the first `workers` cores are the server's, too. Raises NotServed."""
    printed, generators, spent = _burst(server, MANY, seconds, cores, cloud=True)
    took = max(one.duration_us for one in printed) / 1e6
    busy = sum(cpu > BUSY * took for cpu in spent)
    if busy != workers:
        raise NotServed(f"expected {workers} processes with work, found {busy}")
    return Shared(sum(one.requests for one in printed), took, workers, sum(spent), sum(generators[:workers]))


def _burst(
    server: Started, connections: int, seconds: int, cores: Sequence[Cores], cloud: bool
) -> tuple[list[Printed], list[float], list[float]]:
    """Return what each wrk printed, the CPU seconds of each wrk, and those of each of the server's processes."""
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT)]
    command = ["wrk", *options, f"http://127.0.0.1:{server.port}/predict"]
    environment = {**os.environ, "BODY": BODY.decode(), "CLOUD": CLOUD if cloud else ""}
    before, started = server.cpu_seconds(), []
    for core in cores:
        with on(core):
            started.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE))
    finished = [_finish(process) for process in started]
    spent = [after - before.get(process, 0.0) for process, after in server.cpu_seconds().items()]
    return [printed for printed, _ in finished], [cpu for _, cpu in finished], spent


def _finish(process: "subprocess.Popen[bytes]") -> tuple[Printed, float]:
    """Return the last line of wrk and its CPU seconds. Raises NotServed."""
    assert process.stdout
    with process.stdout as stream:
        said = stream.read()
    _, process.returncode, usage = os.wait4(process.pid, 0)
    try:
        printed = msgspec.json.decode(said.splitlines()[-1], type=Printed)
    except (IndexError, msgspec.DecodeError):
        raise NotServed(f"wrk failed, saying: {said.decode(errors='replace').strip()}") from None
    refuse_errors(printed.errors, printed.requests)
    return printed, usage.ru_utime + usage.ru_stime


def refuse_errors(errors: int, requests: int) -> None:
    """Refuse a run with errors: an error is quicker than an answer and has no speed. Raises NotServed."""
    if not requests or errors > requests * MOST_ERRORS:
        raise NotServed(f"{errors:,} of {requests:,} requests were not answered with status 200")
