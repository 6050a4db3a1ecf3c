"""How many requests a second one instance sustains: the search in the open loop, and what it found."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from benchmarks.load.results import Results, Step

MOST_P99_US = 25_000.0  # of a rate that counts as sustained
LEAST_ACHIEVED = 0.95  # of what was offered
GROWTH = 2.0
BUSY = 0.85  # of a core: the service, not what asks it, was the limit


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


def holds(found: Step) -> bool:
    """Whether a rate is sustained: all is answered, as fast as it comes, and nearly always soon."""
    return (
        not found.wrong
        and found.p99_us <= MOST_P99_US
        and found.achieved >= LEAST_ACHIEVED * found.offered / max(found.seconds, 1e-9)
    )


def sustained(steps: tuple[Step, ...]) -> float:
    """The highest rate that was; 0 where none was."""
    return max((found.rate for found in steps if holds(found)), default=0.0)


class Capacity(NamedTuple):
    """Requests a second that one instance sustains; `beyond` is the least rate above that it did not."""

    rate: float
    beyond: Step | None

    @property
    def by_service(self) -> bool:
        """Whether the service was busy then; else the generator could not offer more."""
        return self.beyond is not None and self.beyond.cores >= BUSY


def capacity(results: Results) -> Capacity:
    """By the search."""
    rate = sustained(results.search)
    above = [step for step in results.search if step.rate > rate and not holds(step)]
    return Capacity(rate, min(above, key=lambda step: step.rate, default=None))
