"""Measuring a report: starts, profiles, the closed loop's ceiling, the open loop's capacity. Each is kept at once."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
from msgspec.structs import replace

from benchmarks.compiled import ROOT
from benchmarks.load.capacity import search, sustained
from benchmarks.load.histogram import Histogram
from benchmarks.load.openloop import step
from benchmarks.load.outcome import read_outcome
from benchmarks.load.results import Ceiling, Results, Run, read_results, write_results
from benchmarks.load.sampler import Sampler
from benchmarks.load.service import Measured, measure_start
from benchmarks.machine import commit, this_machine, versions
from benchmarks.wire.example import Wrong
from benchmarks.wire.load import closed
from benchmarks.wire.plan import MANY
from benchmarks.wire.processes import Cores, Started, on
from contract.refusal import Refusal

PACKAGES = ("locust", "gevent", "uvicorn", "uvloop", "httptools", "starlette", "msgspec", "orjson")
MISSED = 1  # Locust's exit status where an objective was


class Effort(msgspec.Struct, frozen=True):
    """How long it takes: starts; seconds of a step of the search, of the closed loop, and of the headline's rates.

    The search begins at `first_rate`, and halves the distance so often.
    """

    starts: int
    search_seconds: float
    first_rate: float
    halvings: int
    closed_seconds: int
    steady_seconds: dict[float, float]  # by rate; HALF stands for half of the capacity


HALF = 0.0
FULL = Effort(7, 3, 1_000, 3, 5, {10: 60, 100: 30, HALF: 20})
SHORT = Effort(1, 0.5, 8_000, 0, 1, {10: 1, 100: 1, HALF: 1})


class Report:
    """Results that grow in a file, a part at a time; parts that it has are not measured again."""

    def __init__(self, path: Path, measured: Measured, generator: Cores, results: Results) -> None:
        self._path, self._measured, self._generator = path, measured, generator
        self.results = results

    def run(self, profiles: tuple[str, ...]) -> None:
        """All that is missing. Raises Refusal."""
        effort = SHORT if self.results.short else FULL
        try:
            with on(self._generator):
                self._starts(effort)
                for name in profiles:
                    self._profile(name)
                self._limits(effort)
        except Wrong as reason:
            raise Refusal(
                f"the service did not answer as it should: {reason}; mend it and go on with --resume"
            ) from None

    def _keep(self, **parts: object) -> None:
        self.results = replace(self.results, **parts)
        write_results(self.results, self._path)

    def _starts(self, effort: Effort) -> None:
        if not self.results.starts:
            starts = [measure_start(self._measured) for _ in _said(range(effort.starts), "start")]
            self._keep(starts=tuple(starts))

    def _profile(self, name: str) -> None:
        if name not in self.results.runs:
            _say(f"profile {name}")
            with self._measured.running() as server:
                run = run_profile(server, name, self.results.short)
            self._keep(runs={**self.results.runs, name: run})

    def _limits(self, effort: Effort) -> None:
        """The ceiling, the capacity, and the headline's rates, on one service."""
        if self.results.steady:
            return
        _say("capacity")
        with self._measured.running() as server:
            ceiling = _ceiling(server, effort.closed_seconds, self._generator)
            measure = partial(step, server, seconds=effort.search_seconds)
            steps = tuple(search(measure, effort.first_rate, effort.halvings))
            half = sustained(steps) / 2
            steady = [
                step(server, rate or half, seconds) for rate, seconds in effort.steady_seconds.items() if rate or half
            ]
        searched = tuple(replace(found, latency=Histogram()) for found in steps)  # the file stays small
        self._keep(ceiling=ceiling, search=searched, steady=tuple(steady))


def run_profile(server: Started, name: str, short: bool) -> Run:
    """One profile by Locust, on this process's cores. Raises Refusal where Locust did not run."""
    with tempfile.TemporaryDirectory(prefix="load-") as directory:
        path = Path(directory) / "outcome.json"
        began = time.perf_counter()
        with Sampler(server) as sampler:
            status, spent = _locust(server.port, name, path, short)
        took = time.perf_counter() - began
        if status not in (0, MISSED):
            raise Refusal(f"locust ended with status {status}; see what it says: make load PROFILE={name}")
        outcome = read_outcome(path)
    samples = sampler.samples(outcome.began, outcome.seconds)
    if not samples:
        raise Refusal(f"profile {name} ended before the service was seen; run it again with --resume")
    return Run(outcome, samples, round(spent, 2), round(took, 2))


def _locust(port: int, name: str, path: Path, short: bool) -> tuple[int, float]:
    """Its exit status, and the CPU seconds that it took."""
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py"), "--headless", "--only-summary"]
    command += ["--host", f"http://127.0.0.1:{port}", "--load-profile", name, "--load-results", str(path)]
    command += ["--load-short"] if short else []
    bare = {key: value for key, value in os.environ.items() if not key.startswith("LOCUST_") and key != "PROFILE"}
    process = subprocess.Popen(command, cwd=ROOT, env=bare, stdout=sys.stderr, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime


def _ceiling(server: Started, seconds: int, core: Cores) -> Ceiling | None:
    """By wrk, where it is installed. Raises Wrong."""
    if not shutil.which("wrk"):
        _say("the closed loop is left out: wrk is not installed; on Debian: apt install wrk")
        return None
    server.new_heads = True
    found = closed(server, MANY, seconds, core)
    return Ceiling(MANY, round(found.rate, 1), round(found.server_cpu_s / found.seconds, 3))


def begin(path: Path, command: str, measured: Measured, short: bool, resume: bool) -> Results:
    """New results, or those of the file to go on with. Raises Refusal where they are another's."""
    new = Results(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=commit(),
        command=command,
        short=short,
        machine=this_machine(1),
        versions=versions(PACKAGES),
        service=measured.words,
    )
    if not resume:
        return new
    old = read_results(path)
    for name in ("commit", "short", "machine", "versions", "service"):
        expected, found = getattr(new, name), getattr(old, name)
        if name == "commit":  # what is written here may itself be in the repository
            expected, found = expected.rstrip("+"), found.rstrip("+")
        if expected != found:
            raise Refusal(f"{path}: expected {name} {expected}, found {found}; begin anew, without --resume")
    return old


def _said(numbers: range, what: str) -> Iterator[int]:
    for number in numbers:
        _say(f"{what} {number + 1} of {len(numbers)}")
        yield number


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
