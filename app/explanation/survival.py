"""Whether an answer is the same for all measurements in a box, the given ones plus or minus their errors.

The method is branch and bound. In a box, each feature has a range; the ranges bound what each tree can add, and so they
bound every margin. If the lowest margin of the answer is above the highest of every other species, the answer is proved
for this box. If a corner of the box has another answer, the answer does not survive. Otherwise the box is halved.
"""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import product
from math import inf

from app.explanation.contributions import Leaf, leaves_of
from app.explanation.flips import Row, float32
from contract.features import MEASUREMENT_NAMES, RATIOS
from contract.measurements import MEASUREMENTS
from contract.trees import Forest

Span = tuple[float, float]  # lowest and highest value
Box = tuple[Span, ...]  # a span of float32 values for each measurement
LEAVES = 25_000  # leaves to visit before the question is left open; this takes a few milliseconds
EPSILON = 2.0**-24  # the relative error of one float32 addition
MARGIN_SLACK = 1e-3  # if two margins differ by more, their probabilities have the same order
CORNERS = 16  # corners of a box that are predicted; with up to four measurements this is all of them
SPREAD = 0x9E3779B97F4A7C15  # an odd number: its multiples have every combination of low bits exactly once


class Survival:
    """Decides survival for one model. Lifetime: the model's."""

    def __init__(self, forest: Forest, predict: Callable[[Row], int]) -> None:
        """`predict` returns the library's label for a row."""
        self._predict = predict
        self._bases = forest.base_margins
        self._trees: list[list[Leaf]] = [list(leaves_of(tree)) for tree in forest.trees]
        self._features = {each.feature for leaves in self._trees for leaf in leaves for each in leaf.ranges}
        self._boxes = max(1, LEAVES // sum(map(len, self._trees)))
        most = sum(max(abs(leaf.value) for leaf in leaves) for leaves in self._trees)
        self._slack = MARGIN_SLACK + 2 * EPSILON * len(self._trees) * (most + max(map(abs, self._bases)))

    def of(self, row: Row, errors: Row) -> bool | None:
        """Return whether the label stays the same if all measurements may be off by up to their errors at once.

        `row` and `errors` are in the order of MEASUREMENTS and in their units. None means that LEAVES were visited
        without a proof or a counterexample.
        """
        label = self._predict(row)
        boxes = deque([_around(row, errors)])
        for _ in range(self._boxes):
            if not boxes:
                return True
            box = boxes.popleft()
            if any(self._predict(corner) != label for corner in _corners(box)):
                return False
            if not (_is_point(box) or self._proved(box, label)):
                boxes.extend(_halves(box, errors))
        return None

    def _proved(self, box: Box, label: int) -> bool:
        """Return whether the bounds prove that every row of the box has this label."""
        ranges: dict[int, Span] = {}
        for feature in self._features:
            span = _span(feature, box)
            if span is None:
                return False
            ranges[feature] = span
        lowest, highest = list(self._bases), list(self._bases)
        for leaves in self._trees:
            reached = [
                leaf.value
                for leaf in leaves
                if all(ranges[feature][1] >= low and ranges[feature][0] < high for feature, low, high, _ in leaf.ranges)
            ]
            output = leaves[0].output
            lowest[output] += min(reached)
            highest[output] += max(reached)
        others = max((margin for output, margin in enumerate(highest) if output != label), default=-inf)
        return lowest[label] - others > self._slack


def _around(row: Row, errors: Row) -> Box:
    return tuple(
        (max(measurement.minimum, float32(value - error)), min(measurement.maximum, float32(value + error)))
        for measurement, value, error in zip(MEASUREMENTS, row, errors, strict=True)
    )


def _halves(box: Box, errors: Row) -> tuple[Box, Box]:
    """Cut the box in two at the middle of its widest span, measured in units of that measurement's error."""
    place = max(range(len(box)), key=lambda i: (box[i][1] - box[i][0]) / errors[i] if errors[i] else 0.0)
    (low, high), before, after = box[place], box[:place], box[place + 1 :]
    middle = float32((low + high) / 2)
    return (*before, (low, middle), *after), (*before, (middle, high), *after)


def _is_point(box: Box) -> bool:
    return all(low == high for low, high in box)


def _corners(box: Box) -> Iterator[Row]:
    """Yield up to CORNERS corners of a box. A box has 2 to the power of the number of measurements."""
    for number in range(min(1 << len(box), CORNERS)):
        sides = number * SPREAD
        yield tuple(span[sides >> i & 1] for i, span in enumerate(box))


def _span(feature: int, box: Box) -> Span | None:
    """Return the lowest and highest value of a feature in a box, or None if it may be 0/0 there, which has no value."""
    if feature < len(box):
        return box[feature]
    ratio = RATIOS[feature - len(box)]
    numerator, denominator = (box[MEASUREMENT_NAMES.index(name)] for name in (ratio.numerator, ratio.denominator))
    if denominator[0] <= 0 <= denominator[1]:
        return None if numerator[0] <= 0 <= numerator[1] else (-inf, inf)
    pairs = product(numerator, denominator)  # the denominator has one sign, so the extremes are at the corners
    values = [float32(ratio.of({ratio.numerator: one, ratio.denominator: other})) for one, other in pairs]
    return min(values), max(values)
