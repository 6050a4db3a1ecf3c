"""docs/http-benchmarks.md: tables from one run of benchmarks.wire."""

from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from statistics import median

from benchmarks.machine import ROOT
from benchmarks.page import DOCS, PARTIAL, write_page
from benchmarks.report.pictures import Dot, dots
from benchmarks.tables import figure, table, times
from benchmarks.wire.plan import ASGI, CONNECTIONS, CONTENDERS, MANY, NGINX, OURS, PLAIN, SAME, UVLOOP, UVLOOP_SAME
from benchmarks.wire.results import Closed, HttpResults, Measured, Shared, ratio
from contract.files import write_atomically

STORED = ROOT / "artifacts" / "bench" / "http.json"
BASES = (PLAIN, ASGI, UVLOOP, NGINX)  # what others are compared with
Columns = dict[str, Callable[[Measured], float]]
RATE, CPU = attrgetter("rate"), attrgetter("cpu_us")


def write_http(results: HttpResults, out: Path | None) -> None:
    """Write http-benchmarks.md and its picture, and print the headline. Without `out`, a complete run is published."""
    directory = out or (DOCS if results.complete else PARTIAL)
    top = table(["what", "against", "ours", "theirs", "ours / theirs"], list(_headline(results)))
    title, label = f"POST /predict, {MANY} connections", "µs of the server's CPU for one request (less is better)"
    picture = dots({title: [_dot(results, name) for name in results.measured]}, label)
    write_atomically(directory / "pictures" / "http-cpu-per-request.svg", picture)
    write_page(
        directory / "http-benchmarks.md",
        heading=results.made.words("make bench-http"),
        headline=top,
        throughput=_columns("by connections", results, THROUGHPUT),
        ratios=_ratios(results),
        latencies=_columns("µs by connections", results, LATENCIES),
        open_loop=_columns("at half of its capacity", results, OPEN),
        footprint=_columns("one process", results, FOOTPRINT),
        workers=_workers(results),
    )
    print(top)


def _middle(connections: int, value: Callable[[Closed], float]) -> Callable[[Measured], float]:
    """Return a column: the median of the rounds."""
    return lambda measured: median(map(value, measured.closed[connections]))


def _opened(value: Callable[..., float]) -> Callable[[Measured], float]:
    return lambda measured: median(map(value, measured.open))


LATENCIES: Columns = {
    f"{quantile}, {count}": _middle(count, attrgetter(f"{quantile}_us"))
    for count in CONNECTIONS
    for quantile in ("p50", "p99")
}
THROUGHPUT: Columns = {
    **{f"requests/s, {count}": _middle(count, RATE) for count in CONNECTIONS},
    **{f"CPU µs, {count}": _middle(count, CPU) for count in CONNECTIONS},
    f"server busy, {MANY}, %": _middle(MANY, lambda run: 100 * run.server_cpu_s / run.seconds),
    f"generator busy, {MANY}, %": _middle(MANY, lambda run: 100 * run.generator_cpu_s / run.seconds),
}
OPEN: Columns = {
    "requests/s": _opened(lambda step: step.rate),
    "p50, µs": _opened(lambda step: step.latency.quantile(0.5)),
    "p99, µs": _opened(lambda step: step.latency.quantile(0.99)),
    "generator late, p99, µs": _opened(lambda step: step.late_p99_us),
}
FOOTPRINT: Columns = {
    "exec to first 200, ms": lambda measured: median(measured.first_answer_ms),
    "the quickest, ms": lambda measured: min(measured.first_answer_ms),
    "RSS, MB": lambda measured: measured.rss_mb,
    "PSS, MB": lambda measured: measured.pss_mb,
}


def _columns(first: str, results: HttpResults, columns: Columns) -> str:
    """Return a table with a line for each contender."""
    rows = [
        [_name(name), *(figure(value(measured)) for value in columns.values())]
        for name, measured in results.measured.items()
    ]
    return table([first, *columns], rows)


def _name(name: str) -> str:
    return f"**{CONTENDERS[name].words}**" if name == OURS else CONTENDERS[name].words


def _headline(results: HttpResults) -> Iterator[list[str]]:
    """Yield the lines that say where ours stands, if it was measured."""
    if OURS not in results.measured:
        return
    for words, value in (("requests/s, one core, 16 connections", RATE), ("server's CPU for one of them, µs", CPU)):
        for other in filter(results.measured.__contains__, BASES):
            yield _claim(results, words, value, OURS, other)
    if SAME in results.measured and UVLOOP_SAME in results.measured:
        yield _claim(results, "the same head each time: server's CPU, µs", CPU, SAME, UVLOOP_SAME)
    if PLAIN in results.measured:
        claims: Columns = {
            "from exec to the first 200, ms": FOOTPRINT["exec to first 200, ms"],
            "resident memory after the load, MB": FOOTPRINT["RSS, MB"],
            "p99 at half its capacity, open loop, ms": lambda measured: OPEN["p99, µs"](measured) / 1000,
        }
        for words, measure in claims.items():
            mine, theirs = measure(results.measured[OURS]), measure(results.measured[PLAIN])
            yield [words, CONTENDERS[PLAIN].words, figure(mine), figure(theirs), f"**{times(mine / theirs)}**"]
    if results.workers:
        one, two = (median(run.unshared for run in runs) for runs in zip(*results.workers, strict=True))
        more = median(two.unshared / one.unshared for one, two in results.workers)
        yield ["requests/s, 2 workers on 2 cores", "1 worker on 1 core", figure(two), figure(one), f"**{times(more)}**"]


def _claim(results: HttpResults, words: str, value: Callable[[Closed], float], name: str, other: str) -> list[str]:
    mine, theirs = (figure(_middle(MANY, value)(results.measured[each])) for each in (name, other))
    return [words, CONTENDERS[other].words, mine, theirs, f"**{times(ratio(results, name, other, MANY, value))}**"]


def _ratios(results: HttpResults) -> str:
    """Return everybody's requests a second and CPU at 16 connections, over each base's."""
    bases = [base for base in BASES if base in results.measured]
    head = [f"{what} / {CONTENDERS[base].words}" for what in ("requests/s", "CPU") for base in bases]
    rows = [
        [
            _name(name),
            *(times(ratio(results, name, base, MANY, value)) for value in (RATE, CPU) for base in bases),
        ]
        for name in results.measured
    ]
    return table([f"{MANY} connections", *head], rows)


def _workers(results: HttpResults) -> str:
    """Return the table of one worker and two."""
    if not results.workers:
        return "Not measured."
    columns: dict[str, Callable[[Shared], float]] = {
        "requests/s": lambda run: run.rate,
        "server, cores": lambda run: run.server_cpu_s / run.seconds,
        "generator there, cores": lambda run: run.generator_cpu_s / run.seconds,
        "requests/s, unshared": lambda run: run.unshared,
        "per CPU second": lambda run: run.requests / run.server_cpu_s,
    }
    one, two = zip(*results.workers, strict=True)
    rows = [
        [words, *(figure(median(map(value, runs))) for value in columns.values())]
        for words, runs in (("1 worker, 1 core", one), ("2 workers, 2 cores", two))
    ]
    compared = [times(median(value(b) / value(a) for a, b in results.workers)) for value in columns.values()]
    return table(["ours", *columns], [*rows, ["2 against 1", *compared]])


def _dot(results: HttpResults, name: str) -> Dot:
    value = _middle(MANY, CPU)(results.measured[name])
    compared = name != OURS and OURS in results.measured
    text = figure(value) + (f"  ({times(ratio(results, name, OURS, MANY, CPU))})" if compared else "")
    return Dot(CONTENDERS[name].words, value, text, name == OURS)
