"""The highest rate that a service sustains."""

from collections.abc import Callable, Iterable, Iterator

from benchmarks.wire.openloop import Step

MOST_P99_MS = 25.0
LEAST_ACHIEVED = 0.95  # of what was offered
GROWTH = 2.0


def holds(found: Step) -> bool:
    """Return whether a rate is sustained: all is answered, as fast as it comes, and nearly always soon."""
    enough = found.achieved >= LEAST_ACHIEVED * found.offered / found.seconds
    return not found.wrong and found.quantile_ms(0.99) <= MOST_P99_MS and enough


def sustained(steps: Iterable[Step]) -> float:
    """Return the highest rate that was sustained; 0 if none was."""
    return max((found.rate for found in steps if holds(found)), default=0.0)


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
