"""Whether a class is the answer for all inputs in a box, the given ones plus or minus their errors.

The method is branch and bound. In a box, each feature has a range; the ranges bound what each tree can add, and so they
bound every margin. If the lowest margin of the answer is above the highest of every other class, the answer is proved
for this box. If a corner of the box has another answer, the answer does not survive. Otherwise the box is halved.
"""

from collections import deque
from collections.abc import Callable, Iterator
from math import inf

from app.explanation.features import Span, features_of
from app.explanation.flips import Row
from app.explanation.paths import Paths
from app.explanation.scales import Scale
from contract.schema import Contract

Box = tuple[Span, ...]  # a span of values for each input
LEAVES = 25_000  # leaves to visit before the question is left open; this takes a few milliseconds
EPSILON = 2.0**-24  # the relative error of one float32 addition
MARGIN_SLACK = 1e-3  # if two margins differ by more, their probabilities have the same order
CORNERS = 16  # corners of a box that are predicted; with up to four inputs this is all of them
SPREAD = 0x9E3779B97F4A7C15  # an odd number: its multiples have every combination of low bits exactly once


class Survival:
    """Decides survival for one model of classes. Lifetime: the model's."""

    def __init__(self, paths: Paths, contract: Contract, predict: Callable[[Row], int]) -> None:
        """`predict` returns the library's label for a row."""
        self._predict = predict
        self._scales = [Scale.of(each) for each in contract.inputs]
        self._errors = [float(each.error) for each in contract.inputs]
        self._features = features_of(contract)
        self._paths, forest = paths, paths.forest
        nodes = (node for tree in forest.trees for node in zip(tree.left, tree.feature, strict=True))
        self._used = {feature for left, feature in nodes if left != -1}
        self._knows_missing = all(tree.missing_left for tree in forest.trees)
        # A model of two classes has the margin of the second one; the first has 0.
        self._zeros = len(contract.output.classes) - len(forest.base_margins)
        self._bases = [0.0] * self._zeros + list(forest.base_margins)
        self._boxes = max(1, LEAVES // paths.leaves)
        most = sum(
            max(abs(value) for left, value in zip(tree.left, tree.value, strict=True) if left == -1)
            for tree in forest.trees
        )
        self._slack = MARGIN_SLACK + 2 * EPSILON * len(forest.trees) * (most + max(map(abs, self._bases)))

    def of(self, row: Row) -> bool | None:
        """Return whether the label stays the same if all inputs may be off by up to their errors at once.

        None means that LEAVES were visited without a proof or a counterexample, or that the bundle does not say where
        a missing value goes.
        """
        if not self._knows_missing and any(value != value for value in row):
            return None
        label = self._predict(row)
        boxes = deque([self._around(row)])
        for _ in range(self._boxes):
            if not boxes:
                return True
            box = boxes.popleft()
            if any(self._predict(corner) != label for corner in _corners(box)):
                return False
            if not (_is_point(box) or self._proved(box, label)):
                boxes.extend(self._halves(box))
        return None

    def _proved(self, box: Box, label: int) -> bool:
        """Return whether the bounds prove that every row of the box has this label."""
        spans: dict[int, Span] = {}
        for feature in self._used:
            span = self._features[feature].span(box)
            if span is None:
                return False
            spans[feature] = span
        lowest, highest = list(self._bases), list(self._bases)
        for leaves in self._paths.by_tree():
            reached = [leaf.value for leaf in leaves if all(each.meets(*spans[each.feature]) for each in leaf.ranges)]
            output = leaves[0].output + self._zeros
            lowest[output] += min(reached)
            highest[output] += max(reached)
        others = max((margin for output, margin in enumerate(highest) if output != label), default=-inf)
        return lowest[label] - others > self._slack

    def _around(self, row: Row) -> Box:
        return tuple(
            (value, value) if value != value else scale.around(value, error)
            for scale, value, error in zip(self._scales, row, self._errors, strict=True)
        )

    def _halves(self, box: Box) -> tuple[Box, Box]:
        """Cut the box in two at the middle of its widest span, measured in units of that input's error."""
        errors = self._errors
        place = max(range(len(box)), key=lambda i: (box[i][1] - box[i][0]) / errors[i] if errors[i] else 0.0)
        before, after = box[:place], box[place + 1 :]
        lower, upper = self._scales[place].halves(*box[place])
        return (*before, lower, *after), (*before, upper, *after)


def _is_point(box: Box) -> bool:
    return all(low == high or low != low for low, high in box)


def _corners(box: Box) -> Iterator[Row]:
    """Yield up to CORNERS corners of a box. A box has 2 to the power of the number of inputs."""
    for number in range(min(1 << len(box), CORNERS)):
        sides = number * SPREAD
        yield tuple(span[sides >> i & 1] for i, span in enumerate(box))
