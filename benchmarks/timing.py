"""Timing contenders in turn: A B C A B C ..., so that what disturbs the machine disturbs all of them alike.

Not pytest-benchmark: it finishes one test before it starts the next (A A A B B B ...), and on two shared cores the
minutes in between change the ratio more than the contenders do.
"""

import gc
import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from benchmarks.plan import Effort
from benchmarks.results import Timing

SAMPLE_US = 5_000  # one turn of a contender: so many calls as take about this long
MOST_CALLS = 10_000


class Clock(NamedTuple):
    """Nanoseconds of the wall, and of all threads of this process."""

    wall: Callable[[], int] = time.perf_counter_ns
    cpu: Callable[[], int] = time.process_time_ns


class Turn(NamedTuple):
    """One turn of a contender, per call."""

    wall_us: float
    cpu_us: float


class Starter(NamedTuple):
    """A contender at the start, warmed up. `call_us` is about what one call takes.

    Inputs should be many: the same row again and again teaches the processor its branches, as no stream of rows does.
    """

    call: Callable[[Any], Any]
    inputs: Sequence[Any]
    call_us: float


class Racer:
    """A contender on its way."""

    def __init__(self, starter: Starter, clock: Clock) -> None:
        self._call, self._clock = starter.call, clock
        self._inputs = itertools.cycle(starter.inputs)
        self.calls = max(1, min(MOST_CALLS, math.ceil(SAMPLE_US / max(starter.call_us, 1e-3))))
        self.turns: list[Turn] = []

    def turn(self) -> None:
        """Call so often, and note what one call took."""
        call, clock = self._call, self._clock
        inputs = list(itertools.islice(self._inputs, self.calls))
        cpu, wall = clock.cpu(), clock.wall()
        for entry in inputs:
            call(entry)
        wall, cpu = clock.wall() - wall, clock.cpu() - cpu
        self.turns.append(Turn(wall / self.calls / 1000, cpu / self.calls / 1000))

    @property
    def timing(self) -> Timing:
        """All turns that counted."""
        return Timing(
            self.calls,
            wall_us=tuple(round(turn.wall_us, 4) for turn in self.turns),
            cpu_us=tuple(round(turn.cpu_us, 4) for turn in self.turns),
        )


def race(starters: Mapping[str, Starter], effort: Effort, clock: Clock | None = None) -> dict[str, Timing]:
    """All in turn, round by round, until the effort is spent."""
    clock = clock or Clock()
    racers = {name: Racer(starter, clock) for name, starter in starters.items()}
    with _without_collection():
        started = clock.wall()
        for done in itertools.count():
            spent = (clock.wall() - started) / 1e9
            if done >= effort.most_rounds or (done >= effort.least_rounds and spent > effort.seconds):
                break
            for racer in racers.values():
                racer.turn()
    return {name: racer.timing for name, racer in racers.items()}


@contextmanager
def _without_collection() -> Iterator[None]:
    """As timeit does: a collection of cyclic garbage belongs to no contender."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
