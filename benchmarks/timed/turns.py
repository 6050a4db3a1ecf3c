"""Contenders take turns (A B C A B C ...) under pytest-benchmark, so that what disturbs the machine disturbs all alike.

pytest-benchmark finishes one test before it starts the next. So a test is one turn: one contender in one round. After
the last turn, the turns of a contender become one row, and the table, the JSON, --benchmark-compare and
--benchmark-histogram see rows only.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from pytest_benchmark.fixture import BenchmarkFixture

TURN_SECONDS = 0.005
MOST_CALLS = 10_000  # in a turn
_OTHERS = bytes(4 << 20)


class Turn(NamedTuple):
    """One contender in one round; only contenders of the same group are compared."""

    group: str
    contender: str
    round: int

    def __str__(self) -> str:
        return f"{self.group}-{self.contender}-{self.round}"


def alternate(rounds: Mapping[str, int], contenders: Iterable[str], most: int | None) -> list[Turn]:
    """Return all turns: by group, then by round, then by contender. `rounds` is by group; `most` bounds it."""
    names = list(contenders)
    counts = {group: count if most is None else min(count, most) for group, count in rounds.items()}
    return [Turn(group, name, number) for group, count in counts.items() for number in range(count) for name in names]


def calls_in_a_turn(seconds: float) -> int:
    """Return how many calls of so many seconds take about TURN_SECONDS."""
    return max(1, min(MOST_CALLS, math.ceil(TURN_SECONDS / max(seconds, 1e-9))))


def take(benchmark: BenchmarkFixture, turn: Turn, call: Callable[[], Any], calls: int, **about: object) -> None:
    """Time so many calls, and store what the page says `about` the contender."""
    benchmark.group, benchmark.name, benchmark.param = turn.group, turn.contender, f"{turn.group}-{turn.contender}"
    benchmark.fullname = f"{turn.group}: {turn.contender}"
    benchmark.params = {"group": turn.group, "contender": turn.contender}
    benchmark.extra_info.update(about)
    benchmark.pedantic(call, rounds=1, iterations=calls)  # type: ignore[no-untyped-call]  # it has no types


def empty_caches() -> None:
    """Read more than the second level of a processor's cache holds, so that a model has to be fetched again."""
    sum(_OTHERS[::64])


def merge(benchmarks: list[Any]) -> None:
    """Make the turns of a contender one row, in place, with the times in the order of the rounds."""
    rows: dict[str, Any] = {}
    for turn in benchmarks:
        row = rows.setdefault(turn.fullname, turn)
        if row is not turn:
            row.stats.data += turn.stats.data
    benchmarks[:] = rows.values()
