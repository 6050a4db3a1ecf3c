"""The Markdown tables of one run."""

from collections.abc import Callable, Iterator
from statistics import median

from benchmarks.tables import figure, table, times
from benchmarks.wire.plan import ASGI, CONNECTIONS, MANY, NEW_HEADS, OURS, PLAIN, UVLOOP
from benchmarks.wire.results import Closed, Measured, Results, Scaling, Shared, Value, middle, ratio, scaling_ratio

BASES = (PLAIN, ASGI, UVLOOP, NEW_HEADS)  # what others are compared with


def rate(run: Closed) -> float:
    """Requests a second."""
    return run.rate


def cpu(run: Closed) -> float:
    """Microseconds of the server's CPU for one request."""
    return run.cpu_us


CLAIMS = {"requests/s, one core, 16 connections": rate, "server's CPU for one of them, µs": cpu}


def headline(results: Results) -> str:
    """Where ours stands, as far as it was measured; empty where it was not."""
    rows = list(_headline(results))
    return table(["what", "against", "ours", "theirs", "ours / theirs"], rows) if rows else ""


def _headline(results: Results) -> Iterator[list[str]]:
    if OURS not in results.measured:
        return
    for claim, value in CLAIMS.items():
        for other in BASES:
            if other in results.measured:
                yield _claim(results, claim, value, other)
    ours = results.measured[OURS]
    if PLAIN in results.measured:
        plain, words = results.measured[PLAIN], results.contenders[PLAIN]
        yield _of("from exec to the first 200, ms", words, median(ours.first_answer_ms), median(plain.first_answer_ms))
        yield _of("resident memory after the load, MB", words, ours.memory.rss_mb, plain.memory.rss_mb)
        yield _of("p99 at half its capacity, open loop, ms", words, _open_p99(ours) / 1000, _open_p99(plain) / 1000)
    if results.scaling:
        one, two = (median(run.unshared for run in runs) for runs in (results.scaling.one, results.scaling.two))
        times_more = scaling_ratio(results.scaling, _unshared)
        yield ["requests/s, 2 workers on 2 cores", "1 worker on 1 core", figure(two), figure(one), _bold(times_more)]


def _claim(results: Results, words: str, value: Value, other: str) -> list[str]:
    mine, theirs = (middle(results.measured[name].closed[MANY], value) for name in (OURS, other))
    compared = ratio(results, OURS, other, MANY, value)
    return [words, results.contenders[other], figure(mine), figure(theirs), _bold(compared)]


def _of(words: str, other: str, mine: float, theirs: float) -> list[str]:
    return [words, other, figure(mine), figure(theirs), _bold(mine / theirs)]


def _bold(value: float) -> str:
    return f"**{two_digits(value)}**"


def two_digits(value: float) -> str:
    """A ratio as `times` has it, but small ones to two digits as well: 0.087x, 0.87x, 8.7x, 87x."""
    return f"{value:#.2g}x" if 0 < value < 0.1 else times(value)


def _unshared(run: Shared) -> float:
    return run.unshared


def _open_p99(measured: Measured) -> float:
    return median(run.outcome.p99_us for run in measured.open)


def throughput(results: Results) -> str:
    """Requests a second and the CPU that they take, by connections."""
    head = [f"{what}, {count}" for what in ("requests/s", "CPU µs") for count in CONNECTIONS]
    rows = [
        [
            _name(results, name),
            *(figure(middle(measured.closed[count], value)) for value in (rate, cpu) for count in CONNECTIONS),
            *(f"{middle(measured.closed[MANY], busy):.0%}" for busy in (_server_busy, _generator_busy)),
        ]
        for name, measured in results.measured.items()
    ]
    busy = [f"{who} busy, {MANY}" for who in ("server", "generator")]
    return table(["by connections", *head, *busy], rows)


def _server_busy(run: Closed) -> float:
    return run.server_cpu_s / run.seconds


def _generator_busy(run: Closed) -> float:
    return run.generator_cpu_s / run.seconds


def ratios(results: Results) -> str:
    """At 16 connections: everybody's requests a second, and CPU, over each base's."""
    bases = [base for base in BASES if base in results.measured]
    head = [f"{what} / {results.contenders[base]}" for what in ("requests/s", "CPU") for base in bases]
    rows = [
        [
            _name(results, name),
            *(two_digits(ratio(results, name, base, MANY, value)) for value in (rate, cpu) for base in bases),
        ]
        for name in results.measured
    ]
    return table([f"{MANY} connections", *head], rows)


def latencies(results: Results) -> str:
    """Microseconds, closed loop by connections."""
    head = [f"{which}, {count}" for count in CONNECTIONS for which in ("p50", "p99")]
    rows = [
        [
            _name(results, name),
            *(
                figure(middle(measured.closed[count], value))
                for count in CONNECTIONS
                for value in (lambda run: run.p50_us, lambda run: run.p99_us)
            ),
        ]
        for name, measured in results.measured.items()
    ]
    return table(["µs by connections", *head], rows)


def open_loop(results: Results) -> str:
    """Microseconds at half of each one's capacity."""
    rows = [
        [
            _name(results, name),
            figure(median(run.rate for run in measured.open)),
            figure(median(run.outcome.p50_us for run in measured.open)),
            figure(_open_p99(measured)),
            figure(median(run.outcome.late_p99_us for run in measured.open)),
        ]
        for name, measured in results.measured.items()
    ]
    return table(["at half of its capacity", "requests/s", "p50, µs", "p99, µs", "generator late, p99, µs"], rows)


def footprint(results: Results) -> str:
    """Cold start and memory."""
    rows = [
        [
            _name(results, name),
            figure(median(measured.first_answer_ms)),
            figure(min(measured.first_answer_ms)),
            figure(measured.memory.rss_mb),
            figure(measured.memory.pss_mb),
        ]
        for name, measured in results.measured.items()
    ]
    return table(["of one process", "exec to first 200, ms", "the quickest, ms", "RSS, MB", "PSS, MB"], rows)


def workers(scaling: Scaling) -> str:
    """One worker and two."""
    columns: tuple[Callable[[Shared], float], ...] = (
        lambda run: run.rate,
        lambda run: run.server_cpu_s / run.seconds,
        lambda run: run.generator_cpu_s / run.seconds,
        _unshared,
        lambda run: run.per_cpu_second,
    )
    rows = [
        [words, *(figure(median(map(column, runs))) for column in columns)]
        for words, runs in (("1 worker, 1 core", scaling.one), ("2 workers, 2 cores", scaling.two))
    ]
    compared = [two_digits(scaling_ratio(scaling, column)) for column in columns]
    head = ["requests/s", "server, cores", "generator there, cores", "requests/s, unshared", "per CPU second"]
    return table(["ours", *head], [*rows, ["2 against 1", *compared]])


def notes(results: Results) -> list[str]:
    """Who was left out and why, rounds that were measured again, and errors, a line each."""
    lines = [f"- {results.contenders.get(name, name)}: {why}" for name, why in results.skipped.items()]
    lines += [f"- A round was measured again: {why}" for why in results.repeated]
    for name, measured in results.measured.items():
        errors = sum(run.errors for runs in measured.closed.values() for run in runs)
        errors += sum(run.outcome.wrong for run in measured.open)
        if errors:
            lines.append(f"- {results.contenders[name]}: {errors:,} requests without an answer of status 200")
    return lines


def _name(results: Results, name: str) -> str:
    words = results.contenders[name]
    return f"**{words}**" if name == OURS else words
