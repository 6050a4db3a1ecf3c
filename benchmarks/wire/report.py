"""docs/http-benchmarks.md: tables from one run."""

from collections.abc import Callable
from operator import attrgetter
from statistics import median

from benchmarks.tables import figure, table, times
from benchmarks.wire.contenders import CONTENDERS, OURS, PLAIN, SAME, UVLOOP_SAME
from benchmarks.wire.run import Measured
from benchmarks.wire.wrk import CONNECTIONS, Closed

BASES = [name for name in CONTENDERS if name not in (OURS, SAME, "starlette", UVLOOP_SAME)]  # ours is compared with
Results = dict[str, Measured]  # by name of contender
Columns = dict[str, Callable[[Measured], float]]
RATE, CPU_US = attrgetter("rate"), attrgetter("cpu_us")


def _closed(value: Callable[[Closed], float]) -> Callable[[Measured], float]:
    """Return a column of the closed loop: the median of the rounds."""
    return lambda measured: median(map(value, measured.closed))


THROUGHPUT: Columns = {
    "requests/s": _closed(RATE),
    "CPU µs": _closed(CPU_US),
    "server busy, %": _closed(lambda found: 100 * found.server_cpu_s / found.seconds),
    "generator busy, %": _closed(lambda found: 100 * found.generator_cpu_s / found.seconds),
}
OPEN: Columns = {
    "requests/s": lambda measured: median(step.rate for step in measured.open),
    "p50, ms": lambda measured: median(step.quantile_ms(0.5) for step in measured.open),
    "p99, ms": lambda measured: median(step.quantile_ms(0.99) for step in measured.open),
    "generator late, p99, ms": lambda measured: median(step.late_p99_us / 1000 for step in measured.open),
}
FOOTPRINT: Columns = {
    "exec to first 200, ms": lambda measured: median(measured.first_answer_ms),
    "the quickest, ms": lambda measured: min(measured.first_answer_ms),
    "resident memory, MB": lambda measured: measured.memory_mb,
}


def columns(first: str, results: Results, chosen: Columns) -> str:
    """Return a table with a line for each contender."""
    rows = []
    for name, measured in results.items():
        words = f"**{CONTENDERS[name].words}**" if name == OURS else CONTENDERS[name].words
        rows.append([words, *(figure(value(measured)) for value in chosen.values())])
    return table([first, *chosen], rows)


def headline(results: Results) -> str:
    """Return where ours stands."""
    rows = [
        _claim(results, words, (OURS, other), value, ratio(results, (OURS, other), of_round))
        for words, value, of_round in (
            (f"requests/s, one core, {CONNECTIONS} connections", THROUGHPUT["requests/s"], RATE),
            ("server's CPU for one of them, µs", THROUGHPUT["CPU µs"], CPU_US),
        )
        for other in BASES
    ]
    pair, words = (SAME, UVLOOP_SAME), "the same head each time: server's CPU, µs"
    rows.append(_claim(results, words, pair, THROUGHPUT["CPU µs"], ratio(results, pair, CPU_US)))
    for words, value in (
        ("from exec to the first 200, ms", FOOTPRINT["exec to first 200, ms"]),
        ("resident memory after the load, MB", FOOTPRINT["resident memory, MB"]),
        ("p99 at half its capacity, open loop, ms", OPEN["p99, ms"]),
    ):
        rows.append(_claim(results, words, (OURS, PLAIN), value, value(results[OURS]) / value(results[PLAIN])))
    return table(["what", "against", "ours", "theirs", "ours / theirs"], rows)


def _claim(
    results: Results, words: str, pair: tuple[str, str], value: Callable[[Measured], float], found: float
) -> list[str]:
    mine, theirs = (figure(value(results[name])) for name in pair)
    return [words, CONTENDERS[pair[1]].words, mine, theirs, f"**{times(found)}**"]


def ratio(results: Results, pair: tuple[str, str], value: Callable[[Closed], float]) -> float:
    """Return the median over the rounds of the first one's value over the second one's within the same round."""
    rounds = zip(*(results[name].closed for name in pair), strict=True)
    return median(value(mine) / value(theirs) for mine, theirs in rounds)
