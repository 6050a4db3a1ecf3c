"""What is measured: birds without and with a mistake in them, and points that are no birds."""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from score.guesses import UNITS
from train.contract import CONTRACT
from train.page.labels import words

Rows = npt.NDArray[np.float64]  # (rows, measurements)
Change = Callable[[Rows], Rows]

POINTS = 100_000
PROMISED = ((35.0, 55.0), (13.0, 20.0), (170.0, 230.0), (3000.0, 6000.0))  # ranges that are never refused
BIAS = 0.1  # of a calliper
NAMES = [words(name) for name in CONTRACT.input_names]
LENGTHS = [i for i, each in enumerate(CONTRACT.inputs) if each.unit == "mm"]
BILL = LENGTHS[:2]


class Mistake(NamedTuple):
    """What was done wrong to a bird, in words and as arithmetic."""

    name: str
    change: Change


AS_THEY_ARE = Mistake("the birds as they are", lambda rows: rows)


def mistakes() -> Iterator[Mistake]:
    """Yield mistakes of units, of columns, of callipers."""
    for unit, others in UNITS.items():
        fields = [i for i, each in enumerate(CONTRACT.inputs) if each.unit == unit]
        for name, factor in others.items():
            for chosen in [[field] for field in fields] + ([fields] if len(fields) > 1 else []):
                yield Mistake(f"{_list(chosen)} in {name}", _scaled(chosen, 1 / factor))
    for one, other in combinations(range(len(NAMES)), 2):
        yield Mistake(f"{NAMES[one]} and {NAMES[other]} swapped", _swapped(one, other))
    for chosen in (*([i] for i in range(len(NAMES))), BILL, LENGTHS):
        for sign in (1, -1):
            yield Mistake(f"{_list(chosen)} {sign * BIAS:+.0%}", _scaled(chosen, 1 + sign * BIAS))


def points() -> Iterator[tuple[str, Rows]]:
    """Yield uniform points in the bounds, and in the ranges that are never refused."""
    random = np.random.default_rng(0)
    bounds = [each.bounds for each in CONTRACT.inputs]
    for name, ranges in (("random points within the bounds", bounds), ("random points of the usual ranges", PROMISED)):
        low, high = np.array(ranges).T
        yield name, random.uniform(low, high, (POINTS, len(NAMES)))


def _list(fields: list[int]) -> str:
    return "all lengths" if fields == LENGTHS else "bill" if fields == BILL else " and ".join(NAMES[i] for i in fields)


def _scaled(fields: list[int], factor: float) -> Change:
    factors = [factor if i in fields else 1.0 for i in range(len(NAMES))]
    return lambda rows: rows * np.array(factors)


def _swapped(one: int, other: int) -> Change:
    order = [{one: other, other: one}.get(i, i) for i in range(len(NAMES))]
    return lambda rows: rows[:, order]
