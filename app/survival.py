"""Whether an answer is the same wherever in a box around the measurements the true ones lie.

Branch and bound: of a box, the range of every feature bounds what each tree may add, and so every margin. Where the
answer's margin stays above the others', the box is proved; where a corner has another answer, that is the proof of the
opposite; else the box is halved.
"""

from collections import deque
from collections.abc import Callable
from itertools import product

from app.contributions import Leaf, leaves_of
from app.flips import FEATURES, Row, float32
from contract.features import MEASUREMENT_NAMES
from contract.measurements import MEASUREMENTS
from contract.trees import Forest

Box = tuple[tuple[float, float], ...]  # lowest and highest value of each measurement, float32 values
LEAVES = 25_000  # looked at before the question is left open: a few milliseconds
EPSILON = 2.0**-24  # the relative error of one float32 addition
MARGIN_SLACK = 1e-3  # margins further apart than this have probabilities in the same order


class Survival:
    """Of one model. Made once for it."""

    def __init__(self, forest: Forest, predict: Callable[[Row], int]) -> None:
        """`predict` is the library's label of a row."""
        self._predict = predict
        self._bases = forest.base_margins
        self._trees: list[list[Leaf]] = [list(leaves_of(tree)) for tree in forest.trees]
        self._boxes = max(1, LEAVES // sum(map(len, self._trees)))
        most = sum(max(abs(leaf.value) for leaf in leaves) for leaves in self._trees)
        self._slack = MARGIN_SLACK + 2 * EPSILON * len(self._trees) * (most + max(map(abs, self._bases)))

    def of(self, row: Row, errors: Row) -> bool | None:
        """Whether the label stays when every measurement may be off by up to its error, all at once; None: unknown."""
        label = self._predict(row)
        boxes = deque([_around(row, errors)])
        for _ in range(self._boxes):
            if not boxes:
                return True
            box = boxes.popleft()
            if any(self._predict(corner) != label for corner in product(*box)):
                return False
            if not self._proved(box, label):
                boxes.extend(_halves(box, errors))
        return None

    def _proved(self, box: Box, label: int) -> bool:
        """Whether no row of the box can have another label."""
        ranges = _feature_ranges(box)
        lowest, highest = list(self._bases), list(self._bases)
        for leaves in self._trees:
            reached = [
                leaf.value
                for leaf in leaves
                if all(ranges[of][1] >= low and ranges[of][0] < high for of, low, high, _ in leaf.ranges)
            ]
            output = leaves[0].output
            lowest[output] += min(reached)
            highest[output] += max(reached)
        others = max(margin for output, margin in enumerate(highest) if output != label)
        return lowest[label] - others > self._slack


def _around(row: Row, errors: Row) -> Box:
    return tuple(
        (max(measurement.minimum, float32(value - error)), min(measurement.maximum, float32(value + error)))
        for measurement, value, error in zip(MEASUREMENTS, row, errors, strict=True)
    )


def _halves(box: Box, errors: Row) -> tuple[Box, Box]:
    """Cut where it is widest, counted in errors."""
    place = max(range(len(box)), key=lambda i: (box[i][1] - box[i][0]) / errors[i])
    (low, high), before, after = box[place], box[:place], box[place + 1 :]
    middle = float32((low + high) / 2)
    return (*before, (low, middle), *after), (*before, (middle, high), *after)


def _feature_ranges(box: Box) -> list[tuple[float, float]]:
    """The lowest and highest value of each feature in the box. They are at corners: features rise or fall only."""
    corners = [dict(zip(MEASUREMENT_NAMES, corner, strict=True)) for corner in product(*box)]
    values = [[float32(feature(corner)) for corner in corners] for feature in FEATURES]
    return [(min(found), max(found)) for found in values]
