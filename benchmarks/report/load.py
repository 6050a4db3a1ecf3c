"""LOAD_TEST_REPORT.md: tables from one run of benchmarks.load. What follows from them is for a person to say."""

from pathlib import Path
from statistics import median

import msgspec

from benchmarks.latency import Latency
from benchmarks.load.locust_run import LocustRun
from benchmarks.load.prices import PRICES, instance_based, request_based
from benchmarks.load.service import Sample, Start
from benchmarks.machine import ROOT, Made
from benchmarks.page import PARTIAL, write_page
from benchmarks.tables import figure, table
from benchmarks.wire.openloop import Step

STORED = ROOT / "artifacts" / "bench" / "load.json"
LEAST = 10  # values beyond a quantile, for it to be shown
QUANTILES = {"p50, ms": 0.5, "p95, ms": 0.95, "p99, ms": 0.99, "p99.9, ms": 0.999}
MOST_P99_US = 25_000.0  # of a rate that counts as sustained
LEAST_ACHIEVED = 0.95  # of what was offered


class Profiled(msgspec.Struct, frozen=True):
    """One profile. The generator's cores are those of all of Locust, its start and the warm-up included."""

    run: LocustRun
    samples: tuple[Sample, ...]
    generator_cores: float

    @property
    def cores(self) -> float:
        """Return the cores that the service used on average."""
        first, last = self.samples[0], self.samples[-1]
        return (last.cpu_s - first.cpu_s) / max(1e-9, last.at - first.at)


class LoadResults(msgspec.Struct, frozen=True):
    """One report. `search` has the steps that looked for the capacity, in order; `steady` those of the headline."""

    made: Made
    short: bool
    service: str  # what was measured
    starts: tuple[Start, ...]
    profiles: dict[str, Profiled]
    search: tuple[Step, ...]
    steady: tuple[Step, ...]


def holds(found: Step) -> bool:
    """Return whether a rate is sustained: all is answered, as fast as it comes, and nearly always soon."""
    enough = found.achieved >= LEAST_ACHIEVED * found.offered / found.seconds
    return not found.wrong and found.latency.quantile(0.99) <= MOST_P99_US and enough


def sustained(steps: tuple[Step, ...]) -> float:
    """Return the highest rate that was sustained; 0 if none was."""
    return max((found.rate for found in steps if holds(found)), default=0.0)


def write_load(results: LoadResults, out: Path | None) -> None:
    """Write LOAD_TEST_REPORT.md, and print the headline. Without a place, a complete run is published."""
    warning = "**A short run, to see that it works: these figures say nothing of the service.**\n\n"
    top = steady(results)
    write_page(
        (out or (PARTIAL if results.short else ROOT)) / "LOAD_TEST_REPORT.md",
        heading=f"{results.made.words('make load-report')}\n"
        f"The service was {results.service}; what asked it was on another core.",
        warnings=warning * results.short,
        steady=top,
        profiles=profiles(results),
        objectives=objectives(results),
        questions=questions(results),
        footprints=footprints(results),
        starts=starts(results),
        search=searched(results),
        prices=prices(),
        costs=costs(results),
    )
    print(top)


def quantiles(latency: Latency) -> list[str]:
    """Return milliseconds; a dash if too few requests were slower to tell."""
    return [
        figure(latency.quantile(share) / 1000) if latency.requests * (1 - share) >= LEAST * (1 - 1e-9) else "-"
        for share in QUANTILES.values()
    ]


def steady(results: LoadResults) -> str:
    """Return the headline: latency in the open loop. By Little's law, requests/s times seconds are in flight."""
    rows = [
        [
            _rate(results, step),
            f"{step.offered:,}",
            *quantiles(step.latency),
            f"{step.wrong:,}",
            figure(step.achieved * step.latency.mean() / 1e6),
            f"{step.cores:.3f}",
            figure(step.late_p99_us / 1000),
        ]
        for step in results.steady
    ]
    more = ["wrong", "in flight", "service, cores", "generator late, p99, ms"]
    return table(["requests/s", "requests", *QUANTILES, *more], rows)


def _rate(results: LoadResults, step: Step) -> str:
    half = abs(step.rate - sustained(results.search) / 2) < 1
    return figure(step.rate) + " (half of capacity)" * half


def profiles(results: LoadResults) -> str:
    """Return Locust's runs: what was offered and achieved, and latency."""
    rows = []
    for name, profiled in results.profiles.items():
        run, planned = profiled.run, profiled.run.planned()
        users = " to ".join(dict.fromkeys((f"{planned.first}", f"{planned.last}")))
        rates = (figure(run.offered / run.seconds), figure(run.requests / run.seconds))
        rows.append([name, users, *rates, *quantiles(run.latency()), f"{run.figures()['failure ratio']:.3%}"])
    return table(["profile", "users", "offered/s", "achieved/s", *QUANTILES, "failure ratio"], rows)


def objectives(results: LoadResults) -> str:
    """Return what was wanted and what was found."""
    rows = [
        [name, one.figure, f"{one.relation} {one.bound:g}", f"{found:.4g}", "kept" if kept else "**missed**"]
        for name, profiled in results.profiles.items()
        for one, found, kept in profiled.run.judgement()
    ]
    return table(["profile", "objective", "wanted", "found", ""], rows)


def questions(results: LoadResults) -> str:
    """Return the profile that is most like every day, or the only one, by kind of question."""
    run = results.profiles.get("normal", next(iter(results.profiles.values()))).run
    rows = []
    for name, latency in sorted(run.latencies.items()):
        times = (figure(latency.quantile(share) / 1000) for share in (0.5, 0.99, 1.0))
        rows.append([name, f"{latency.requests:,}", f"{run.failed(name):,}", *times])
    return table(["question", "requests", "failures", "p50, ms", "p99, ms", "the slowest, ms"], rows)


def footprints(results: LoadResults) -> str:
    """Return CPU and memory of the service, and how busy the generator was."""
    rows = []
    for name, profiled in results.profiles.items():
        run, megabytes = profiled.run, [sample.rss_mb for sample in profiled.samples]
        used = profiled.cores * run.seconds
        memory = (f"{megabytes[-1]:.1f}", f"{max(megabytes):.1f}", f"{profiled.generator_cores:.2f}")
        rows.append([name, f"{used:.2f}", f"{profiled.cores:.3f}", figure(used / run.requests * 1e6), *memory])
    head = ["service, CPU s", "cores", "CPU µs for a request", "resident at the end, MB", "at most, MB"]
    return table(["profile", *head, "generator, cores"], rows)


def starts(results: LoadResults) -> str:
    """Return cold starts and warming."""
    columns = {
        "start to the first 200": [start.first_ms for start in results.starts],
        "from there until warm": [start.warm_ms for start in results.starts],
    }
    rows = [
        [name, f"{len(found)}", *map(figure, (min(found), median(found), max(found)))]
        for name, found in columns.items()
    ]
    return table(["ms", "starts", "the quickest", "median", "the slowest"], rows)


def searched(results: LoadResults) -> str:
    """Return the steps to the capacity."""
    rows = [
        [
            f"{step.rate:,.0f}",
            f"{step.achieved:,.0f}",
            figure(step.latency.quantile(0.99) / 1000),
            f"{step.wrong:,}",
            f"{step.cores:.2f}",
            figure(step.late_p99_us / 1000),
            "yes" if holds(step) else "no",
        ]
        for step in sorted(results.search, key=lambda step: step.rate)
    ]
    head = ["achieved/s", "p99, ms", "wrong", "service, cores", "generator late, p99, ms", "sustained"]
    return table(["offered/s", *head], rows)


def costs(results: LoadResults) -> str:
    """Return USD for a million requests, by how many come to one instance in a second."""
    rows = [
        [
            _rate(results, step),
            f"{request_based(step.rate, step.latency.quantile(0.5) / 1e6):.3f}",
            f"{instance_based(step.rate):.3f}",
        ]
        for step in results.steady
    ]
    return table(["requests/s to one instance", "request-based, USD", "instance-based, USD"], rows)


def prices() -> str:
    """Return the list prices, in words."""
    rates = [
        f"{PRICES[billing]['vcpu_second']:f} for a vCPU-second and {PRICES[billing]['gib_second']:.7f} for a GiB-second"
        for billing in ("request_based", "instance_based")
    ]
    return (
        f"{PRICES['service']}, {PRICES['tier']}, looked up {PRICES['looked_up']} ([source]({PRICES['source']})): "
        f"request-based {rates[0]}, and {PRICES['million_requests']:.2f} for a million requests; instance-based "
        f"{rates[1]}. {PRICES['vcpus']} vCPU, {PRICES['memory_mib']} MiB."
    )
