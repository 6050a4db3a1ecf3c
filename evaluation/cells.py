"""What the cells of a CSV file mean: text to the number that the model gets."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.schema import Input, Output, listed

MISSING = frozenset({"", "na", "nan", "null"})  # in any case
TRUTHS = {"true": 1.0, "1": 1.0, "1.0": 1.0, "false": 0.0, "0": 0.0, "0.0": 0.0}  # pandas writes 1.0 beside a gap
LARGEST = math.nextafter((2 - 2**-24) * 2.0**127, 0)  # that float32 does not round to infinity


@dataclass(frozen=True)
class Meaning:
    """What the cells of one column mean.

    `of` returns the number of a text, NaN for a missing one, and raises ValueError, which says what was expected. If a
    column has only numbers within `plain`, they are what `of` would return: this is for speed.
    """

    of: Callable[[str], float]
    plain: tuple[float, float] | None = None


class Wrong(Exception):
    """The cell at `place` of a column, counted from 0, is not what was `expected`."""

    def __init__(self, place: int, expected: str) -> None:
        super().__init__(expected)
        self.place = place
        self.expected = expected


def column_of(texts: Sequence[str], meaning: Meaning) -> npt.NDArray[np.float64]:
    """Return the number of each cell: float64 (cells,). Raises Wrong for the first that has none."""
    found = _plain(texts, *meaning.plain) if meaning.plain else None
    if found is not None:
        return found
    known: dict[str, float] = {}
    for place, text in enumerate(texts):
        if text not in known:
            try:
                known[text] = meaning.of(text)
            except ValueError as error:
                raise Wrong(place, str(error)) from error
    return np.fromiter(map(known.__getitem__, texts), np.float64, len(texts))


def _plain(texts: Sequence[str], low: float, high: float) -> npt.NDArray[np.float64] | None:
    try:
        found = np.fromiter(map(float, texts), np.float64, len(texts))
    except ValueError:
        return None
    return found if ((found >= low) & (found <= high)).all() and "_" not in "".join(texts) else None


def is_missing(text: str) -> bool:
    """Return whether a cell says that there is no value."""
    return text.strip().lower() in MISSING


def input_meaning(each: Input) -> Meaning:
    """Return what the cells of an input mean, by its kind: the number that the model gets, NaN for a missing one."""
    expected = _expected(each)
    categories = {name: float(index) for index, name in enumerate(each.categories)}
    low, high = each.bounds
    low, high = max(low, -LARGEST), min(high, LARGEST)

    def of(text: str) -> float:
        if text in categories:  # also one that is named NA
            return categories[text]
        if is_missing(text) and each.missing:
            return math.nan
        value = _truth(text) if each.kind == "boolean" else math.nan if categories else _number(text)
        if not low <= value <= high or (each.kind == "integer" and value != int(value)):  # the first refuses NaN
            raise ValueError(expected)
        return value

    return Meaning(of, (low, high) if each.kind == "number" else None)


def _expected(each: Input) -> str:
    if each.kind == "boolean":
        words = "true, false, 0 or 1"
    elif each.kind == "category":
        words = f"one of {listed(each.categories)}"
    else:
        words = f"{'a finite number' if each.kind == 'number' else 'an integer'}{_between(each)}"
    return f"{words}, or nothing" if each.missing else words


def _between(each: Input) -> str:
    low, high = (None if bound is None else each.in_unit(f"{bound:g}") for bound in (each.minimum, each.maximum))
    if low and high:
        return f" between {each.minimum:g} and {high}"
    return f" of at least {low}" if low else f" of at most {high}" if high else ""


def _truth(text: str) -> float:
    return TRUTHS.get(text.strip().lower(), math.nan)


def _number(text: str) -> float:
    """Return the number, or NaN if it is none. Python's own 1_000 is none."""
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def number_target() -> Meaning:
    """Return what the cells of a column of true numbers mean."""

    def of(text: str) -> float:
        value = _number(text)  # NaN if it is missing
        if not abs(value) <= LARGEST and not is_missing(text):
            raise ValueError("a finite number")
        return value

    return Meaning(of, (-LARGEST, LARGEST))


def class_target(output: Output) -> Meaning:
    """Return what the cells of a column of true classes mean: the index of the class, NaN if it is missing.

    A class is given by its name. If no name is a number that means another class, it may be given by its index.
    """
    names = {name: float(index) for index, name in enumerate(output.classes)}
    numbers = {_number(name): index for name, index in names.items() if math.isfinite(_number(name))}
    indexed = all(number == index for number, index in numbers.items())
    if indexed:
        numbers = {index: index for index in names.values()}
    expected = f"one of {listed(output.classes)}" + (f", or an index from 0 to {len(names) - 1}" if indexed else "")

    def of(text: str) -> float:
        if text in names:
            return names[text]
        if is_missing(text):
            return math.nan
        label = numbers.get(_number(text))
        if label is None:
            raise ValueError(expected)
        return label

    return Meaning(of)
