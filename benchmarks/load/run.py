"""One run of the load report: Locust's profiles, the capacity, and latency at steady rates."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.load.capacity import search, sustained
from benchmarks.load.locust_run import LocustRun, read_run
from benchmarks.load.profiles import REPORTED
from benchmarks.load.service import Subject
from benchmarks.machine import ROOT
from benchmarks.wire.openloop import Offer, Step, measure_offer
from benchmarks.wire.processes import Started
from contract.refusal import Refusal

MISSED = 1  # Locust's exit status if an objective was missed


class LoadPlan(NamedTuple):
    """How much is measured. The search begins at `first_rate` and halves the distance so often."""

    profiles: tuple[str, ...]
    search_seconds: float
    first_rate: float
    halvings: int
    steady_seconds: dict[float, float]  # by rate
    half_seconds: float  # at half of the capacity


FULL = LoadPlan(REPORTED, 3, 1_000, 3, {10: 60, 100: 30}, 20)
QUICK = LoadPlan(("baseline",), 0.5, 8_000, 0, {10: 1, 100: 1}, 1)


class Profiled(NamedTuple):
    """One profile. CPU and the generator's cores are those of all of Locust's time, with its start and the warm-up."""

    run: LocustRun
    cpu_s: float
    resident_mb: float  # at the end
    most_mb: float
    generator_cores: float


class LoadResults(NamedTuple):
    """What was measured. `search` has the steps that looked for the capacity, in order."""

    profiles: dict[str, Profiled]
    search: list[Step]
    steady: list[Step]


def run(subject: Subject, plan: LoadPlan) -> LoadResults:
    """Measure on this process's cores. Raises Refusal."""
    profiles = {}
    for name in plan.profiles:
        print(f"profile {name}", file=sys.stderr, flush=True)
        with subject.running() as server:
            profiles[name] = run_profile(server, name, short=plan is QUICK)
    with subject.running() as server:
        steps = list(
            search(lambda rate: measure_offer(server, Offer(rate, plan.search_seconds)), plan.first_rate, plan.halvings)
        )
        rates = plan.steady_seconds | ({half: plan.half_seconds} if (half := sustained(steps) / 2) else {})
        steady = [measure_offer(server, Offer(rate, seconds)) for rate, seconds in rates.items()]
    return LoadResults(profiles, steps, steady)


def run_profile(server: Started, name: str, short: bool) -> Profiled:
    """Run one profile by Locust, on this process's cores. Raises Refusal if Locust did not run."""
    with tempfile.TemporaryDirectory(prefix="load-") as directory:
        path = Path(directory) / "run.json"
        began, before = time.perf_counter(), server.cpu_seconds()
        locust_cpu_s = _locust(server.port, name, path, short)
        cores = locust_cpu_s / (time.perf_counter() - began)
        memory = (server.memory_mb(), server.memory_mb("VmHWM"))
        return Profiled(read_run(path), server.cpu_seconds() - before, *memory, cores)


def _locust(port: int, name: str, path: Path, short: bool) -> float:
    """Run Locust, which stores its run at the path. Returns the CPU seconds that it took. Raises Refusal."""
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py"), "--headless", "--only-summary"]
    command += ["--host", f"http://127.0.0.1:{port}", "--load-profile", name, "--load-results", str(path)]
    bare = {key: value for key, value in os.environ.items() if not key.startswith("LOCUST_") and key != "PROFILE"}
    locust = subprocess.Popen([*command, *["--load-short"] * short], cwd=ROOT, env=bare, stdout=2)
    _, status, usage = os.wait4(locust.pid, 0)
    locust.returncode = os.waitstatus_to_exitcode(status)
    if locust.returncode not in (0, MISSED):
        raise Refusal(f"locust ended with status {locust.returncode}: make load PROFILE={name} shows why")
    return usage.ru_utime + usage.ru_stime
