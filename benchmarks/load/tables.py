"""The Markdown tables of a report."""

from statistics import median

from benchmarks.load.capacity import capacity, holds
from benchmarks.load.conclusions import in_flight, memory_setting_mib
from benchmarks.load.histogram import Histogram
from benchmarks.load.prices import Prices, instance_based, request_based
from benchmarks.load.results import Results, Run, Step
from benchmarks.tables import figure, table

LEAST = 10  # values beyond a quantile, for it to be shown
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


def quantile(latency: Histogram, share: float) -> str:
    """Milliseconds; a dash where too few requests were slower to tell."""
    if latency.requests * (1 - share) < LEAST * (1 - 1e-9):
        return "-"
    return figure(latency.quantile(share) / 1000)


def steady(results: Results) -> str:
    """The headline: latency in the open loop."""
    head = [*(f"{name}, ms" for name in QUANTILES), "wrong", "in flight", "service, cores", "generator late, p99, ms"]
    rows = [
        [
            f"{figure(step.rate)}{_half(results, step)}",
            f"{step.offered:,}",
            *(quantile(step.latency, share) for share in QUANTILES.values()),
            f"{step.wrong:,}",
            figure(in_flight(step)[0]),
            f"{step.cores:.3f}",
            figure(step.late_p99_us / 1000),
        ]
        for step in results.steady
    ]
    return table(["requests/s", "requests", *head], rows)


def _half(results: Results, step: Step) -> str:
    return " (half of capacity)" if abs(step.rate - capacity(results).rate / 2) < 1 else ""


def profiles(results: Results) -> str:
    """Locust's runs: offered against achieved, latency, and what the service took."""
    head = ["offered/s", "achieved/s", *(f"{name}, ms" for name in QUANTILES), "failure ratio"]
    return table(["profile", "users", *head], [_profile(run) for run in results.runs.values()])


def _profile(run: Run) -> list[str]:
    outcome = run.outcome
    return [
        outcome.profile,
        _users(run),
        figure(outcome.offered / outcome.seconds),
        figure(outcome.requests / outcome.seconds),
        *(quantile(outcome.latency, share) for share in QUANTILES.values()),
        f"{outcome.figures()['failure ratio']:.3%}",
    ]


def _users(run: Run) -> str:
    stages = run.outcome.planned.stages
    first, last = stages[0].first, stages[-1].last
    return f"{first}" if first == last else f"{first} to {last}"


def footprints(results: Results) -> str:
    """CPU and memory of the service, and how busy the generator was."""
    head = [
        "service, CPU s",
        "cores",
        "CPU µs for a request",
        "resident at the end, MB",
        "at most, MB",
        "generator, cores",
    ]
    rows = [
        [
            name,
            f"{run.cores * run.outcome.seconds:.2f}",
            f"{run.cores:.3f}",
            figure(run.cpu_us),
            f"{run.samples[-1].rss_mb:.1f}",
            f"{run.peak_mb:.1f}",
            f"{run.generator_cpu_s / run.generator_s:.2f}",
        ]
        for name, run in results.runs.items()
    ]
    return table(["profile", *head], rows)


def objectives(results: Results) -> str:
    """What was wanted and what was found."""
    rows = [
        [
            name,
            objective.figure,
            f"{objective.relation} {objective.bound:g}",
            f"{found:.4g}",
            "kept" if kept else "**missed**",
        ]
        for name, run in results.runs.items()
        for objective, found, kept in run.outcome.judgement()
    ]
    return table(["profile", "objective", "wanted", "found", ""], rows)


def questions(run: Run) -> str:
    """By kind, of one profile."""
    rows = [
        [
            name,
            f"{group.requests:,}",
            f"{group.failures:,}",
            *map(figure, (group.p50_ms, group.p99_ms, group.highest_ms)),
        ]
        for name, group in run.outcome.groups.items()
    ]
    return table(["question", "requests", "failures", "p50, ms", "p99, ms", "the slowest, ms"], rows)


def starts(results: Results) -> str:
    """Cold starts and warming."""
    columns = {
        "start to the first 200": [start.first_ms for start in results.starts],
        "from there until warm": [start.warm_ms for start in results.starts],
    }
    rows = [
        [name, f"{len(found)}", figure(min(found)), figure(median(found)), figure(max(found))]
        for name, found in columns.items()
    ]
    return table(["ms", "starts", "the quickest", "median", "the slowest"], rows)


def search(results: Results) -> str:
    """The way to the capacity."""
    rows = [
        [
            f"{step.rate:,.0f}",
            f"{step.achieved:,.0f}",
            figure(step.p99_us / 1000),
            f"{step.wrong:,}",
            f"{step.cores:.2f}",
            figure(step.late_p99_us / 1000),
            "yes" if holds(step) else "no",
        ]
        for step in sorted(results.search, key=lambda step: step.rate)
    ]
    head = ["achieved/s", "p99, ms", "wrong", "service, cores", "generator late, p99, ms", "sustained"]
    return table(["offered/s", *head], rows)


def costs(results: Results, prices: Prices) -> str:
    """USD for a million requests, by how many come to one instance in a second."""
    memory = memory_setting_mib(results, prices)
    rows = [
        [
            f"{figure(step.rate)}{_half(results, step)}",
            f"{request_based(prices, memory, step.rate, step.latency.quantile(0.5) / 1e6):.3f}",
            f"{instance_based(prices, memory, step.rate):.3f}",
        ]
        for step in results.steady
    ]
    return table(["requests/s to one instance", "request-based, USD", "instance-based, USD"], rows)
