"""How much each feature contributed to a margin: path-dependent TreeSHAP, equal to XGBoost's `pred_contribs`.

A leaf is described by its path: for each feature on the path, the range in which a row reaches the leaf, and the share
of the training rows that passed the splits on that feature. If only some features of a row are known, the leaf is worth
its value times 1 or 0 for each known feature (inside its range or not) and times the share of each unknown feature.
A contribution is the Shapley value of this game: Lundberg, Erion and Lee, "Consistent Individualized Feature
Attribution for Tree Ensembles" (2018). Sums here are in double precision, XGBoost's in single: they agree to about
1e-6.
"""

from collections.abc import Iterator, Sequence
from math import factorial, inf, prod
from typing import NamedTuple

from contract.trees import Forest, Tree


class Range(NamedTuple):
    """The condition of a path on one feature: low <= value < high. `share` of the training rows, 0 to 1, met it.

    `missing` is whether a missing value meets it.
    """

    feature: int
    low: float
    high: float
    share: float
    missing: bool

    def holds(self, value: float) -> bool:
        """Return whether a value meets the condition. NaN is missing."""
        return self.low <= value < self.high or (self.missing and value != value)


class Leaf(NamedTuple):
    """A leaf of a tree that adds `value` to margin `output`. A row reaches it if it is within all `ranges`.

    There is one range for each feature on the leaf's path.
    """

    output: int
    value: float
    ranges: tuple[Range, ...]


class Contributions:
    """Computes the contributions for one model. Lifetime: the model's."""

    def __init__(self, forest: Forest, features: int) -> None:
        self._features = features
        self._leaves = [leaf for tree in forest.trees for leaf in leaves_of(tree)]
        self._biases = list(forest.base_margins)
        for leaf in self._leaves:
            self._biases[leaf.output] += leaf.value * prod(passed.share for passed in leaf.ranges)

    def of(self, row: Sequence[float]) -> list[list[float]]:
        """Return, for each output, the contribution of each feature of `row` and then the bias: they sum to the margin.

        `row` has `features` float32 values. The result has shape (outputs, features + 1), in log-odds.
        """
        contributions = [[0.0] * self._features + [bias] for bias in self._biases]
        for output, value, ranges in self._leaves:
            inside = [each.holds(row[each.feature]) for each in ranges]
            for i, each in enumerate(ranges):
                contributions[output][each.feature] += value * (inside[i] - each.share) * _weight(ranges, inside, i)
        return contributions


def leaves_of(tree: Tree) -> Iterator[Leaf]:
    """Yield all leaves of `tree`, each with the ranges of its path."""
    paths: list[tuple[int, dict[int, Range]]] = [(0, {})]
    while paths:
        node, path = paths.pop()
        if tree.left[node] == -1:
            yield Leaf(tree.output, tree.value[node], tuple(path.values()))
            continue
        feature, threshold = tree.feature[node], tree.value[node]
        _, low, high, share, missing = path.get(feature, Range(feature, -inf, inf, 1.0, True))
        goes_left = not tree.missing_left or tree.missing_left[node]
        for child, within, takes_missing in (
            (tree.left[node], (low, min(high, threshold)), goes_left),
            (tree.right[node], (max(low, threshold), high), not goes_left),
        ):
            passed = share * tree.cover[child] / tree.cover[node] if tree.cover[node] else 0.0
            paths.append((child, {**path, feature: Range(feature, *within, passed, missing and takes_missing)}))


def _weight(ranges: Sequence[Range], inside: Sequence[bool], left_out: int) -> float:
    """Return the weight of range `left_out` in its leaf: the mean, over all orders of features, of the others' product.

    A feature before `left_out` in the order is known and counts as 1 or 0 (`inside`); one after it is unknown and
    counts as its share. The coefficient of x^k in the polynomial is the sum of these products with k known features.
    """
    count = len(ranges)
    if count == 1:
        return 1.0
    coefficients = [1.0]
    for j, each in enumerate(ranges):
        if j != left_out:
            unknown = [coefficient * each.share for coefficient in coefficients] + [0.0]
            coefficients = [a + b for a, b in zip(unknown, [0.0, *coefficients], strict=True)] if inside[j] else unknown
    return sumprod(coefficients, _orders(count))


def sumprod(ones: Sequence[float], others: Sequence[float]) -> float:
    """Return the sum of the products of pairs. Python 3.12 and later have it as `math.sumprod`."""
    return sum(one * other for one, other in zip(ones, others, strict=True))


def _orders(count: int) -> list[float]:
    """Return, for k = 0, 1, ... `count` - 1, the share of orders of `count` features with k before a given feature."""
    if count not in _ORDERS:
        _ORDERS[count] = [factorial(k) * factorial(count - 1 - k) / factorial(count) for k in range(count)]
    return _ORDERS[count]


_ORDERS: dict[int, list[float]] = {}  # lifetime: process
