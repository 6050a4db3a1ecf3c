"""How far one input may move before the answer changes, exactly.

Each split of a tree compares a feature with a threshold. On either side of zero, a feature is a monotonic function of
each input, or does not depend on it. So each threshold corresponds to one value of the input there, which is found by
bisection over all its values. A split on a set of codes changes its side where a sequence of codes in it begins or
ends, so these are thresholds, too. Between two neighbouring values of this kind the answer is constant, so the library
is asked once for each interval.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from app.explanation.features import Feature, features_of
from app.explanation.scales import Scale
from contract.schema import Contract
from contract.trees import Forest

Row = tuple[float, ...]  # the inputs in the contract's order, float32 values; NaN is missing
Moved = list[tuple[Feature, list[float]]]  # features that one input moves, with the thresholds of each
Found = TypeVar("Found")  # an answer: a label, or numbers


class Flip(NamedTuple, Generic[Found]):
    """The nearest value of an input for which the answer is different, and that answer."""

    value: float
    answer: Found


class Flips(Generic[Found]):
    """Finds flips for one model. Lifetime: the model's."""

    def __init__(
        self,
        forest: Forest,
        contract: Contract,
        predict: Callable[[Row], Found],
        differ: Callable[[Found, Found], bool],
    ) -> None:
        """`predict` returns the library's answer for a row, `differ` whether two answers are not the same."""
        self._predict = predict
        self._differ = differ
        self._scales = [Scale.of(each) for each in contract.inputs]
        features = features_of(contract)
        thresholds: list[set[float]] = [set() for _ in features]
        for tree in forest.trees:
            for node, (left, feature, value) in enumerate(zip(tree.left, tree.feature, tree.value, strict=True)):
                if left != -1:
                    thresholds[feature] |= _ends(tree.categories[node]) if node in tree.categories else {value}
        # By input: the features that depend on it alone, and those that depend on others, too, with their thresholds.
        self._alone: list[Moved] = [[] for _ in contract.inputs]
        self._shared: list[Moved] = [[] for _ in contract.inputs]
        for feature_of, values in zip(features, thresholds, strict=True):
            moved = self._alone if len(feature_of.sources) == 1 else self._shared
            for place in feature_of.sources if values else ():
                moved[place].append((feature_of, sorted(values)))
        self._fixed: dict[int, frozenset[int]] = {}  # by input: the steps that are the same for all rows

    def of(self, row: Row, place: int) -> tuple[Flip[Found] | None, Flip[Found] | None]:
        """Return the flips below and above input number `place` of the row.

        A flip is None if no value within the input's bounds changes the answer, or if the input is missing.
        """
        if row[place] != row[place]:
            return None, None
        scale, answer = self._scales[place], self._predict(row)
        here, lowest, highest = (scale.ordinal(value) for value in (row[place], scale.low, scale.high))
        steps = self._steps(row, place)
        below = (step - 1 for step in reversed(steps) if lowest < step <= here)
        above = (step for step in steps if here < step <= highest)
        return self._first(row, place, answer, below), self._first(row, place, answer, above)

    def _first(self, row: Row, place: int, answer: Found, ordinals: Iterator[int]) -> Flip[Found] | None:
        for ordinal in ordinals:
            value = self._scales[place].value(ordinal)
            other = self._predict((*row[:place], value, *row[place + 1 :]))
            if self._differ(answer, other):
                return Flip(value, other)
        return None

    def _steps(self, row: Row, place: int) -> list[int]:
        """Return the ordinals at which some tree may take another branch, in rising order.

        Each is the first ordinal after the change. The first and the last one are the ends of the scale.
        """
        if place not in self._fixed:
            stretches = self._scales[place].stretches()
            ends = {low for low, _ in stretches} | {stretches[-1][1] + 1}
            self._fixed[place] = frozenset(ends | self._crossings(row, place, self._alone[place]))
        return sorted(self._fixed[place] | self._crossings(row, place, self._shared[place]))

    def _crossings(self, row: Row, place: int, moved: Moved) -> set[int]:
        """Return the ordinals at which a feature crosses a threshold."""
        numbers, scale = list(row), self._scales[place]
        crossings = set()
        for feature, thresholds in moved:

            def at(ordinal: int, feature: Feature = feature) -> float:
                numbers[place] = scale.value(ordinal)
                return feature.value(numbers)

            for low, high in scale.stretches():
                first, last = at(low), at(high)
                for threshold in _between(thresholds, first, last):
                    crossings.add(_bisect(at, threshold, low, high, rising=first < last))
        return crossings


def _ends(codes: Sequence[int]) -> set[float]:
    """Return the codes where a sequence of consecutive codes begins, and the first ones after it."""
    return {float(end) for end in {*codes} ^ {code + 1 for code in codes}}


def _between(thresholds: Sequence[float], first: float, last: float) -> Sequence[float]:
    """Return the thresholds that a feature crosses between two values: above the smaller, up to the larger."""
    low, high = min(first, last), max(first, last)
    return [threshold for threshold in thresholds if low < threshold <= high]


def _bisect(at: Callable[[int], float], threshold: float, low: int, high: int, rising: bool) -> int:
    """Return the first ordinal, from `low` to `high`, at which the feature is on the other side of the threshold.

    `at` returns the feature's value for an ordinal; `rising` says whether it rises with the ordinal.
    """
    return bisect_left(range(low, high + 1), True, key=lambda ordinal: (at(ordinal) >= threshold) == rising) + low
