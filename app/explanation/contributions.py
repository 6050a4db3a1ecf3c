"""How much each feature contributed to a margin: path-dependent TreeSHAP, equal to XGBoost's `pred_contribs`.

A leaf is described by its path: for each feature on the path, the range in which a row reaches the leaf, and the share
of the training rows that passed the splits on that feature. If only some features of a row are known, the leaf is worth
its value times 1 or 0 for each known feature (inside its range or not) and times the share of each unknown feature.
A contribution is the Shapley value of this game: Lundberg, Erion and Lee, "Consistent Individualized Feature
Attribution for Tree Ensembles" (2018). For feature i of a path it is

    value * (inside_i - share_i) * mean over all orders of the product of the others' factors

where a feature's factor is 1 or 0 (`inside`) if it comes before i in the order, and else its share. That mean is the
integral, over t from 0 to 1, of the product of `inside * t + share * (1 - t)`: t is the chance that a feature came
before. The integrand is a polynomial, so a few points give it exactly (quadrature.py), and one point serves all
features of a path. Sums here are in double precision, XGBoost's in single: they agree to about 1e-6.
"""

from collections.abc import Iterator, Sequence
from math import floor, inf, prod
from typing import NamedTuple

from app.explanation.quadrature import rule
from contract.trees import Forest, Tree


class Range(NamedTuple):
    """The condition of a path on one feature: low <= value < high. `share` of the training rows, 0 to 1, met it.

    `missing` is whether a missing value meets it. A path with splits on categories also has a condition on the code,
    which is the value without its fraction: it must be in `among`, if there is one, and not in `never`.
    """

    feature: int
    low: float
    high: float
    share: float
    missing: bool
    among: frozenset[int] | None = None
    never: frozenset[int] = frozenset()

    def holds(self, value: float) -> bool:
        """Return whether a value meets the condition. NaN is missing."""
        if not self.low <= value < self.high:
            return self.missing and value != value
        return (self.among is None and not self.never) or self._admits(value, value)

    def meets(self, low: float, high: float) -> bool:
        """Return whether some value from `low` to `high` may meet the condition. Two NaN are a missing value."""
        if low != low:
            return self.missing
        return high >= self.low and low < self.high and self._admits(low, high)

    def _admits(self, low: float, high: float) -> bool:
        """Return whether the condition on codes admits some value from `low` to `high`."""
        if self.among is not None:
            return any(low < code + 1 and high >= code for code in self.among - self.never)
        if low < 0 or high - low > len(self.never):
            return True
        return any(code not in self.never for code in range(floor(low), floor(high) + 1))

    def branch(self, tree: Tree, node: int, right: bool, passed: float) -> "Range":
        """Return the condition of the path that goes on to the left or to the right of a node."""
        takes_missing = right != (not tree.missing_left or tree.missing_left[node])
        found = self._replace(share=passed, missing=self.missing and takes_missing)
        if node in tree.categories:
            codes = frozenset(tree.categories[node])
            if not right:
                return found._replace(never=self.never | codes)
            return found._replace(among=codes if self.among is None else self.among & codes)
        threshold = tree.value[node]
        return found._replace(low=max(self.low, threshold)) if right else found._replace(high=min(self.high, threshold))


class Leaf(NamedTuple):
    """A leaf of a tree that adds `value` to margin `output`. A row reaches it if it is within all `ranges`.

    There is one range for each feature on the leaf's path.
    """

    output: int
    value: float
    ranges: tuple[Range, ...]


class Contributions:
    """Computes the contributions for one model. Lifetime: the model's. `leaves` are those of all its trees."""

    def __init__(self, forest: Forest, features: int) -> None:
        self._features = features
        self.leaves = [leaf for tree in forest.trees for leaf in leaves_of(tree)]
        self._biases = list(forest.base_margins)
        for leaf in self.leaves:
            self._biases[leaf.output] += leaf.value * prod(passed.share for passed in leaf.ranges)

    @property
    def outputs(self) -> int:
        """The number of margins."""
        return len(self._biases)

    def of(self, row: Sequence[float]) -> list[list[float]]:
        """Return, for each output, the contribution of each feature of `row` and then the bias: they sum to the margin.

        `row` has `features` float32 values. The result has shape (outputs, features + 1), in log-odds.
        """
        contributions = [[0.0] * self._features + [bias] for bias in self._biases]
        for leaf in self.leaves:
            _add(leaf, row, contributions[leaf.output])
        return contributions


def leaves_of(tree: Tree) -> Iterator[Leaf]:
    """Yield all leaves of `tree`, each with the ranges of its path."""
    paths: list[tuple[int, dict[int, Range]]] = [(0, {})]
    while paths:
        node, path = paths.pop()
        if tree.left[node] == -1:
            yield Leaf(tree.output, tree.value[node], tuple(path.values()))
            continue
        feature = tree.feature[node]
        so_far = path.get(feature, Range(feature, -inf, inf, 1.0, True))
        for right, child in ((False, tree.left[node]), (True, tree.right[node])):
            passed = so_far.share * tree.cover[child] / tree.cover[node] if tree.cover[node] else 0.0
            paths.append((child, {**path, feature: so_far.branch(tree, node, right, passed)}))


def _add(leaf: Leaf, row: Sequence[float], sums: list[float]) -> None:
    """Add the contributions of one leaf to the sums of its output, by feature."""
    if len(leaf.ranges) == 1:
        (alone,) = leaf.ranges
        sums[alone.feature] += leaf.value * (alone.holds(row[alone.feature]) - alone.share)
        return
    conditions = [(each.feature, float(each.holds(row[each.feature])), each.share) for each in leaf.ranges]
    for t, weight in rule((len(conditions) + 1) // 2):
        factors = [inside * t + share * (1 - t) for _, inside, share in conditions]
        whole = leaf.value * weight * prod(factors)
        if whole:  # else no training row took the path, and this row does not
            for (feature, inside, share), factor in zip(conditions, factors, strict=True):
                sums[feature] += whole * (inside - share) / factor
