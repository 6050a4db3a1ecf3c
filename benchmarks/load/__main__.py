"""python -m benchmarks.load [--short] [--out DIRECTORY]: run the load profiles, and write LOAD_TEST_REPORT.md.

DOCKER and IMAGE of the environment say what is measured; with an empty DOCKER it is the process.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.latency import read, store
from benchmarks.load.locust_run import LocustRun
from benchmarks.load.profiles import REPORTED
from benchmarks.load.service import Subject, choose, measure_start, sampling
from benchmarks.machine import ROOT, made_here
from benchmarks.page import PARTIAL
from benchmarks.report.load import STORED, LoadResults, Profiled, holds, sustained, write_load
from benchmarks.wire.openloop import Step, offer
from benchmarks.wire.processes import Cores, NotServed, Started, on, two_cores
from contract.refusal import Refusal, exit_status

PACKAGES = ("locust", "gevent", "uvicorn", "uvloop", "httptools", "starlette", "msgspec", "orjson")
MISSED = 1  # Locust's exit status if an objective was missed
HALF = 0.0  # a rate: half of the capacity
GROWTH = 2.0


class Effort(NamedTuple):
    """How much is measured. The search begins at `first_rate` and halves the distance so often."""

    starts: int
    profiles: tuple[str, ...]
    search_seconds: float
    first_rate: float
    halvings: int
    steady_seconds: dict[float, float]  # by rate


FULL = Effort(7, REPORTED, 3, 1_000, 3, {10: 60, 100: 30, HALF: 20})
SHORT = Effort(1, ("baseline",), 0.5, 8_000, 0, {10: 1, 100: 1, HALF: 1})


def measure(subject: Subject, short: bool, generator: Cores) -> LoadResults:
    """Measure starts, profiles, and the capacity. Raises Refusal."""
    effort = SHORT if short else FULL
    try:
        with on(generator):
            starts = tuple(measure_start(subject) for _ in range(effort.starts))
            profiles = {}
            for name in effort.profiles:
                print(f"profile {name}", file=sys.stderr, flush=True)
                with subject.running() as server:
                    profiles[name] = run_profile(server, name, short)
            with subject.running() as server:
                step = partial(offer, server.port, seconds=effort.search_seconds, server=server)
                steps = tuple(search(step, effort.first_rate, effort.halvings))
                rates = {rate or sustained(steps) / 2: seconds for rate, seconds in effort.steady_seconds.items()}
                steady = tuple(offer(server.port, rate, took, server=server) for rate, took in rates.items() if rate)
    except NotServed as reason:
        raise Refusal(f"the service did not answer rightly: {reason}; fix it and measure again") from None
    return LoadResults(made_here(PACKAGES), short, subject.words, starts, profiles, steps, steady)


def run_profile(server: Started, name: str, short: bool) -> Profiled:
    """Run one profile by Locust, on this process's cores. Raises Refusal if Locust did not run."""
    with tempfile.TemporaryDirectory(prefix="load-") as directory:
        path = Path(directory) / "run.json"
        command = [sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py"), "--headless", "--only-summary"]
        command += ["--host", f"http://127.0.0.1:{server.port}", "--load-profile", name, "--load-results", str(path)]
        bare = {key: value for key, value in os.environ.items() if not key.startswith("LOCUST_") and key != "PROFILE"}
        began = time.perf_counter()
        with sampling(server) as samples:
            locust = subprocess.Popen([*command, *["--load-short"] * short], cwd=ROOT, env=bare, stdout=2)
            _, status, usage = os.wait4(locust.pid, 0)
            locust.returncode = os.waitstatus_to_exitcode(status)
        cores = (usage.ru_utime + usage.ru_stime) / (time.perf_counter() - began)
        if locust.returncode not in (0, MISSED):
            raise Refusal(f"locust ended with status {locust.returncode}: make load PROFILE={name} shows why")
        run: LocustRun = read(path, LocustRun, f"make load PROFILE={name}")
    return Profiled(run, tuple(sample for sample in samples if 0 <= sample.at - run.began <= run.seconds), cores)


def search(measure: Callable[[float], Step], first: float, halvings: int) -> Iterator[Step]:
    """Double the first rate until one is not sustained, then halve the distance to it, as a ratio, some times."""
    low, high, rate, halved = 0.0, 0.0, first, 0
    while halved <= halvings:
        found = measure(rate)
        yield found
        if not holds(found):  # once more: others use the machine, too
            found = measure(rate)
            yield found
        low, high = (rate, high) if holds(found) else (low, rate)
        halved += bool(high)
        rate = (low * high) ** 0.5 if low and high else high / GROWTH or low * GROWTH


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run it. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("--short", action="store_true", help="some seconds of each, for trying; nothing is published")
    parser.add_argument("--out", type=Path, help="where the results and the page go instead")
    options = parser.parse_args(arguments)

    def run() -> None:
        service_core, generator_core = two_cores()
        subject = choose(os.environ.get("DOCKER", "docker"), os.environ.get("IMAGE", "penguins"), service_core)
        results = measure(subject, options.short, generator_core)
        out = options.out or (PARTIAL if options.short else None)
        store(results, out / STORED.name if out else STORED)
        write_load(results, out)

    return exit_status(run)


if __name__ == "__main__":
    sys.exit(main())
