"""By what the answers of a model are judged, besides its margins."""

from array import array
from bisect import bisect_right
from collections.abc import Mapping
from functools import cached_property
from itertools import repeat
from math import isnan
from typing import NamedTuple

from contract.refusal import Refusal
from contract.schema import Contract
from contract.uncertainty import PERCENTS, Uncertainty

SLICE_ROWS = 4_096  # whose p-values are made at once, in less than a millisecond: other threads can run in between


class Judged(NamedTuple):
    """By what answers are judged: whether there are prediction sets and distances, and half widths by number."""

    sets: bool = False
    distance: bool = False
    half_widths: dict[str, float] = {}  # noqa: RUF012  # never changed

    @classmethod
    def by(cls, uncertainty: Uncertainty | None) -> "Judged":
        """Return what this uncertainty allows to say."""
        if uncertainty is None:
            return cls()
        sets, distance = bool(uncertainty.set_thresholds), uncertainty.distance_limit is not None
        return cls(sets, distance, uncertainty.half_widths)


class PValues:
    """The p-value of each class, from the probability of it for held-out rows. Made once for a bundle.

    It is (1 + the number of held-out rows of the class with at most this probability) / (1 + their number), as in
    evaluation/p_values.py. It is None if the probability is NaN.
    """

    def __init__(self, calibration: Mapping[str, tuple[float, ...]]) -> None:
        """`calibration` has the classes in the order of their labels, and ascending float32 values."""
        self._calibration = calibration

    @classmethod
    def by(cls, uncertainty: Uncertainty | None) -> "PValues | None":
        """Return what this uncertainty allows to say, or None."""
        return cls(uncertainty.calibration) if uncertainty and uncertainty.calibration else None

    def of(self, probabilities: Mapping[str, float]) -> dict[str, float | None]:
        """Return the p-value of each class for one row, by name, from the probabilities by name."""
        ranks = self._ranks(probabilities)
        return {name: rank and rank / rows for name, (rank, rows) in ranks.items()}

    def sets(self, probabilities: Mapping[str, float]) -> dict[str, list[str]]:
        """Return the classes whose p-value is above 1 - level, by the level: "0.8", "0.9", "0.95", "0.99".

        A set may be empty. Whole numbers are compared, so that 1 / 20 is not above 1 - 0.95.
        """
        known = [(name, rank, rows) for name, (rank, rows) in self._ranks(probabilities).items() if rank]
        return {
            f"{percent / 100:g}": [name for name, rank, rows in known if 100 * rank > (100 - percent) * rows]
            for percent in PERCENTS
        }

    def _ranks(self, probabilities: Mapping[str, float]) -> dict[str, tuple[int | None, int]]:
        """Return the numerator of each class's p-value, None for NaN, and its denominator."""
        return {
            name: (None if isnan(probabilities[name]) else bisect_right(own, probabilities[name]) + 1, len(own) + 1)
            for name, own in self._calibration.items()
        }

    @cached_property
    def _tables(self) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
        """For each class, the sorted probabilities that held-out rows of it got, and all p-values that a row can get.

        The p-value at place i is that of a row for which i of those held-out rows are at least as strange.
        """
        return [
            (own, tuple([rank / (len(own) + 1) for rank in range(1, len(own) + 2)]))
            for own in self._calibration.values()
        ]

    def column(self, values: bytes | bytearray, place: int) -> "array[float]":
        """Return the p-value of one class for many rows, as float64; NaN for NaN.

        `values` are the probabilities: float32 (rows, classes). `place` is the class.
        """
        own, found = self._tables[place]
        probabilities = memoryview(values).cast("f")[place :: len(self._tables)]
        made = array("d")
        for start in range(0, len(probabilities), SLICE_ROWS):
            piece = probabilities[start : start + SLICE_ROWS].tolist()
            made.extend(map(found.__getitem__, map(bisect_right, repeat(own), piece)))
            if isnan(sum(piece)):
                made[start:] = array("d", [p if p != p else q for p, q in zip(piece, made[start:], strict=True)])
        return made

    def rows(self, values: bytes | bytearray) -> bytearray:
        """Return the p-values of many rows, as float64 (rows, classes). `values` as in `column`."""
        made, count = bytearray(2 * len(values)), len(self._tables)
        packed = memoryview(made).cast("d")
        for place in range(count):
            packed[place::count] = self.column(values, place)
        return made


def p_values_asked(contract: Contract, uncertainty: Uncertainty | None) -> PValues:
    """Return what p-values are made from. Raises Refusal if there is nothing."""
    found = PValues.by(uncertainty)
    if found is None:
        raise Refusal(no_p_values(contract))
    return found


def no_p_values(contract: Contract) -> str:
    """Return why a model of this contract has no p-values, and what to do."""
    kind = contract.output.kind
    if kind != "classes":
        return (
            f"p_values: expected a model that answers with a probability for each class, found one of kind {kind}; ask "
            "without p_values"
        )
    return (
        "p_values: expected a bundle with held-out rows to make p-values from, found one without; compile the model "
        "again with such rows (python -m compile MODEL --rows CSV --target COLUMN), or ask without p_values"
    )
