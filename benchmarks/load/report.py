"""LOAD_TEST_REPORT.md: tables from one run, and what they say of the size that deploy/service.yaml has."""

from statistics import fmean

from benchmarks.latencies import shown
from benchmarks.load.capacity import holds, sustained
from benchmarks.load.prices import instance_based, request_based
from benchmarks.load.run import LoadResults
from benchmarks.tables import figure, table
from benchmarks.wire.openloop import Step

CONCURRENCY, MEMORY_MIB = 64, 512  # of deploy/service.yaml; a test compares them
QUANTILES = {"p50, ms": 0.5, "p95, ms": 0.95, "p99, ms": 0.99, "p99.9, ms": 0.999}


def quantiles(ordered: list[float], unit: float = 1.0) -> list[str]:
    """Return the quantiles in units; a dash if too few requests were slower to tell."""
    found = (shown(ordered, share) for share in QUANTILES.values())
    return ["-" if value is None else figure(value / unit) for value in found]


def steady(results: LoadResults) -> str:
    """Return the headline: latency in the open loop."""
    rows = []
    for step in results.steady:
        half = step.rate == sustained(results.search) / 2
        rows.append(
            [
                figure(step.rate) + " (half of capacity)" * half,
                f"{step.offered:,}",
                *quantiles(step.latencies_us, 1000),
                f"{step.wrong:,}",
                figure(in_flight(step)),
                f"{step.cores:.3f}",
                figure(step.late_p99_us / 1000),
            ]
        )
    more = ["wrong", "in flight", "service, cores", "generator late, p99, ms"]
    return table(["requests/s", "requests", *QUANTILES, *more], rows)


def conclusions(results: LoadResults) -> str:
    """Return what follows for the size of an instance."""
    rate, busiest = sustained(results.search), results.steady[-1]
    most_mb = max(profiled.most_mb for profiled in results.profiles.values())
    return (
        f"- **Capacity**: one instance sustains {rate:,.0f} requests/s with its p99 within 25 ms.\n"
        f"- **Concurrency**: {CONCURRENCY}, as many batches and documents as may wait at once (MAX_IN_FLIGHT). By "
        f"Little's law\n  {figure(busiest.rate)} requests/s keep {figure(in_flight(busiest))} in flight on average: "
        "CPU, not concurrency, asks for more instances.\n"
        f"- **Memory**: {MEMORY_MIB} MiB, the least of Cloud Run's second generation. At most {most_mb:.0f} MB were "
        "resident here. What\n  batches take is claimed before, and refused where it does not fit "
        "(MAX_BATCH_MEMORY_BYTES)."
    )


def in_flight(step: Step) -> float:
    """Return how many requests are in flight on average: by Little's law, requests/s times seconds."""
    return step.achieved * fmean(step.latencies_us or [0.0]) / 1e6


def profiles(results: LoadResults) -> str:
    """Return Locust's runs: what was offered and achieved, and latency."""
    rows = []
    for name, profiled in results.profiles.items():
        run, planned = profiled.run, profiled.run.planned()
        users, found = " to ".join(dict.fromkeys((f"{planned.first}", f"{planned.last}"))), run.figures()
        rates = (figure(planned.offered_per_second), figure(found["requests/s"]))
        rows.append([name, users, *rates, *quantiles(sorted(run.latencies_ms)), f"{found['failure ratio']:.3%}"])
    return table(["profile", "users", "offered/s", "achieved/s", *QUANTILES, "failure ratio"], rows)


def objectives(results: LoadResults) -> str:
    """Return what was wanted and what was found."""
    rows = [
        [name, one.figure, f"{one.relation} {one.bound:g}", f"{found:.4g}", "kept" if kept else "**missed**"]
        for name, profiled in results.profiles.items()
        for one, found, kept in profiled.run.judgement()
    ]
    return table(["profile", "objective", "wanted", "found", ""], rows)


def footprints(results: LoadResults) -> str:
    """Return CPU and memory of the service, and how busy the generator was."""
    rows = [
        [
            name,
            f"{profiled.cpu_s:.2f}",
            f"{profiled.resident_mb:.1f}",
            f"{profiled.most_mb:.1f}",
            f"{profiled.generator_cores:.2f}",
        ]
        for name, profiled in results.profiles.items()
    ]
    head = ["service, CPU s", "resident at the end, MB", "at most, MB", "generator, cores"]
    return table(["profile", *head], rows)


def searched(results: LoadResults) -> str:
    """Return the steps to the capacity."""
    rows = [
        [
            f"{step.rate:,.0f}",
            f"{step.achieved:,.0f}",
            figure(step.quantile_ms(0.99)),
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
            figure(step.rate),
            f"{instance_based(step.rate):.3f}",
            f"{request_based(step.rate, step.quantile_ms(0.5) / 1000):.3f}",
        ]
        for step in results.steady
    ]
    return table(["requests/s to one instance", "as deployed, USD", "request-based, without the collector, USD"], rows)
