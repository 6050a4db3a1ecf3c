"""How much every feature contributed to a margin: path-dependent TreeSHAP, as XGBoost's `pred_contribs` has it.

Of a leaf only its path counts: which features it asks about, in which range each has to be for a row to come here, and
which share of the training rows came through those splits. Where a set of features is known, the leaf counts as
whether the row is in their ranges, times the shares of the others; a contribution is the Shapley value of that game
(Lundberg, Erion & Lee 2018). Sums are in double precision, XGBoost's in single: they agree to about 1e-6.
"""

from collections.abc import Iterator, Sequence
from math import factorial, inf, prod
from typing import NamedTuple

from contract.trees import Forest, Tree


class Range(NamedTuple):
    """A row follows a path as to one feature where low <= value < high, as `share` of the training rows did."""

    feature: int
    low: float
    high: float
    share: float


class Leaf(NamedTuple):
    """A leaf by its path: one range for each feature that is asked about."""

    output: int
    value: float
    ranges: tuple[Range, ...]


class Contributions:
    """Of one model. Made once for it."""

    def __init__(self, forest: Forest, features: int) -> None:
        self._features = features
        self._leaves = [leaf for tree in forest.trees for leaf in leaves_of(tree)]
        self._biases = list(forest.base_margins)
        for leaf in self._leaves:
            self._biases[leaf.output] += leaf.value * prod(passed.share for passed in leaf.ranges)

    def of(self, row: Sequence[float]) -> list[list[float]]:
        """For each output the contribution of every feature of the row, then the bias; they sum to the margin."""
        found = [[0.0] * self._features + [bias] for bias in self._biases]
        for output, value, ranges in self._leaves:
            inside = [low <= row[feature] < high for feature, low, high, _ in ranges]
            for i, (feature, _, _, share) in enumerate(ranges):
                found[output][feature] += value * (inside[i] - share) * _weight(ranges, inside, i)
        return found


def leaves_of(tree: Tree) -> Iterator[Leaf]:
    """All leaves, each with its path."""
    paths: list[tuple[int, dict[int, Range]]] = [(0, {})]
    while paths:
        node, path = paths.pop()
        if tree.left[node] == -1:
            yield Leaf(tree.output, tree.value[node], tuple(path.values()))
            continue
        feature, threshold = tree.feature[node], tree.value[node]
        _, low, high, share = path.get(feature, Range(feature, -inf, inf, 1.0))
        for child, within in (
            (tree.left[node], (low, min(high, threshold))),
            (tree.right[node], (max(low, threshold), high)),
        ):
            passed = share * tree.cover[child] / tree.cover[node] if tree.cover[node] else 0.0
            paths.append((child, {**path, feature: Range(feature, *within, passed)}))


def _weight(ranges: Sequence[Range], inside: Sequence[bool], left_out: int) -> float:
    """The mean over all orders of features of what the others make of a leaf when this one comes in.

    The others are a polynomial whose power of x is how many of them are known.
    """
    count = len(ranges)
    if count == 1:
        return 1.0
    coefficients = [1.0]
    for j, (_, _, _, share) in enumerate(ranges):
        if j != left_out:
            unknown = [coefficient * share for coefficient in coefficients] + [0.0]
            coefficients = [a + b for a, b in zip(unknown, [0.0, *coefficients], strict=True)] if inside[j] else unknown
    return sumprod(coefficients, _orders(count))


def sumprod(ones: Sequence[float], others: Sequence[float]) -> float:
    """The sum of the products of pairs; Python 3.12 has it in `math`."""
    return sum(one * other for one, other in zip(ones, others, strict=True))


def _orders(count: int) -> list[float]:
    """For 0, 1, ... others known: the share of orders of `count` features in which just so many come before one."""
    if count not in _ORDERS:
        _ORDERS[count] = [factorial(k) * factorial(count - 1 - k) / factorial(count) for k in range(count)]
    return _ORDERS[count]


_ORDERS: dict[int, list[float]] = {}  # lifetime: process
