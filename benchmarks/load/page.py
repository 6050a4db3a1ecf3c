"""python -m benchmarks.load.page [RESULTS] [--out DIRECTORY]: LOAD_TEST_REPORT.md and its pictures, again."""

import argparse
import sys
from pathlib import Path

from benchmarks.compiled import ROOT
from benchmarks.load.conclusions import conclusions
from benchmarks.load.pictures import pictures
from benchmarks.load.prices import Prices, read_prices
from benchmarks.load.profiles import REPORTED
from benchmarks.load.results import RESULTS, Results, read_results
from benchmarks.load.tables import (
    costs,
    footprints,
    objectives,
    profiles,
    questions,
    search,
    starts,
    steady,
)
from contract.files import write_atomically
from contract.refusal import exit_status

PAGE = "LOAD_TEST_REPORT.md"
PICTURES = Path("docs/pictures")

OPEN = """\
Open loop: requests come when they are due, whatever the service does: a Poisson process over 32 connections, each with
a head of its own, as behind a proxy. Latency counts from the moment a request was due, so that a stall is charged to
all who would have come meanwhile. *In flight* is requests/s times the mean latency. A dash: fewer than ten requests
were slower. The last column is the generator's own part ([generator](benchmarks/wire/openloop.py))."""

CLOSED = """\
Locust: users who ask a mix of birds on record, birds like them, others that are like no bird of the three species, and
mistakes; every answer is judged ([questions](benchmarks/load/questions.py)), a right refusal of a mistake counts as a
success. The warm-up is left out. *Offered* is what the users would ask if nobody had to wait. It is a closed loop in
Python: its latencies have the generator's own delays in them, so they say less of the service than the open loop's."""

SERVICE = """\
From /proc, once a second, within the profile's own seconds. Each profile has a fresh service. The last column is all
of Locust, its start and the warm-up included: near 1, it could not have asked for more."""

STARTS = """\
The first is from exec, or `docker run`, to the last byte of the first 200 of `POST /predict`, which is asked again
every half millisecond. Warm is when 20 requests on one connection have a median within 1.2 times that of the last
hundred of 500; 0 where the first were. A container's start has the engine's own work in it: some storage drivers copy
the image each time. The process by itself is in [docs/http-benchmarks.md](docs/http-benchmarks.md)."""

SEARCH = """\
The rate is doubled until it is not sustained twice, then the distance is halved three times. Sustained: every answer
is 200, the p99 is within 25 ms, and answers come at 95 % of the rate or more. Where the service's cores stay well
below 1 at a rate that was not sustained, the generator was the limit."""

COSTS = """\
All requests to one instance, at random times. Request-based billing counts the time in which there is a request, each
rounded up to 0.1 s, and each request; instance-based billing counts all the time. At low rates the rounding is all that
is paid for."""


def write_page(results: Results, directory: Path) -> str:
    """Write the page and its pictures below the directory. Returns what a person at a terminal wants to see."""
    drawn = pictures(results)
    for name, svg in drawn.items():
        write_atomically(directory / PICTURES / name, svg)
    write_atomically(directory / PAGE, page(results, read_prices(), list(drawn)).encode())
    return "\n\n".join([*_top(results, read_prices()), f"wrote {directory / PAGE}"])


def page(results: Results, prices: Prices, picture_names: list[str]) -> str:
    """The Markdown."""
    drawn = {name: f"![{name.removesuffix('.svg').replace('-', ' ')}]({PICTURES / name})" for name in picture_names}
    parts = ["# Load test report", _circumstances(results), *_warnings(results), *_top(results, prices)]
    if results.steady:
        parts += ["## Latency", OPEN]
    parts += [line for name, line in drawn.items() if "percentiles" in name]
    if results.runs:
        parts += ["## Profiles", CLOSED, profiles(results), "## Objectives", objectives(results)]
        parts += [line for name, line in drawn.items() if "latency" in name]
        parts += [*_questions(results), "## CPU and memory", SERVICE, footprints(results)]
        parts += [line for name, line in drawn.items() if "memory" in name]
    if results.starts:
        parts += ["## Cold start", STARTS, starts(results)]
    if results.search:
        parts += ["## Capacity", SEARCH, search(results)]
    if results.steady and results.runs:
        parts += ["## Cost of a million requests", COSTS, _prices(prices), costs(results, prices)]
    return "\n\n".join([*parts, "## Again", _again(results)]) + "\n"


def _top(results: Results, prices: Prices) -> list[str]:
    """The headline and the conclusions, as far as there are any."""
    found = "\n".join(f"- {sentence}" for sentence in conclusions(results, prices))
    return [part for part in (steady(results) if results.steady else "", found) if part]


def _circumstances(results: Results) -> str:
    machine = results.machine
    packages = ", ".join(f"{package} {version}" for package, version in results.versions.items())
    return (
        f"Made by `{results.command}`; do not edit. {results.date}, commit {results.commit or 'unknown'}.\n"
        f"{machine.cpu}, {machine.cores} shared cores, {machine.system}; Python {machine.python}, {packages}.\n"
        f"Measured was {results.service}; what asked it was on another core."
    )


def _warnings(results: Results) -> list[str]:
    """What keeps these figures from being the report."""
    left = [name for name in REPORTED if name not in results.runs]
    found = (
        ["**A short run, to see that it works: these figures say nothing of the service.**"] if results.short else []
    )
    return [*found, *([f"**Not measured: {', '.join(left)}.**"] if left else [])]


def _questions(results: Results) -> list[str]:
    """Of the profile that is most like every day."""
    run = results.runs.get("normal") or next(iter(results.runs.values()))
    return [f"By kind of question, profile {run.outcome.profile}:", questions(run)]


def _prices(prices: Prices) -> str:
    request, instance = prices.request_based, prices.instance_based
    return (
        f"{prices.service}, {prices.tier}, looked up {prices.looked_up} ([source]({prices.source})): request-based "
        f"{request.vcpu_second:f} for a vCPU-second, {request.gib_second:.7f} for a GiB-second and "
        f"{prices.million_requests:.2f} for a million requests; instance-based {instance.vcpu_second:f} and "
        f"{instance.gib_second:.7f}. {prices.vcpus} vCPU."
    )


def _again(results: Results) -> str:
    lines = [
        "make load-report                  # all of this",
        "python -m benchmarks.load.page    # this page, from the stored results",
        *(f"make load PROFILE={name} HOST=http://127.0.0.1:8080" for name in results.runs),
    ]
    return "\n".join(["```sh", *lines, "```"])


def main(arguments: list[str] | None = None) -> int:
    """Make the page of stored results again. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load.page", description="The page of stored results.")
    parser.add_argument("results", nargs="?", type=Path, default=RESULTS)
    parser.add_argument("--out", type=Path, default=ROOT, help="default: the repository")
    options = parser.parse_args(arguments)
    return exit_status(lambda: print(write_page(read_results(options.results), options.out)))


if __name__ == "__main__":
    sys.exit(main())
