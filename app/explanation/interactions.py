"""How two features act together: SHAP interaction values, equal to XGBoost's `pred_interactions`.

A contribution says what a feature adds. An interaction says how much of it depends on a second feature: the Shapley
interaction index of the game in contributions.py (Lundberg, Erion and Lee, 2018, section 4). A path with features i and
j has, for each other feature, the factor 1 or 0 if it is known (`inside`) and `share` if not. The index is

    value / 2 * (inside_i - share_i) * (inside_j - share_j) * mean over all orders of the others' product

and that mean is an integral, as it is there: one point serves all pairs of a path. Both halves of a pair are equal.
What a feature does alone is its contribution without its interactions, so a row of the matrix sums to the contribution.
"""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from app.explanation.contributions import Contributions
from app.explanation.paths import KEPT_LEAVES, Range, TooMuchWork, check_work
from app.explanation.quadrature import rule

# Points times pairs of features, over all leaves. A step takes about 0.1 us in Python: this is a second or two, in
# which other explanations wait. A model of 500 trees with six levels takes about a million.
MOST_STEPS = 10_000_000
MOST_PAIRS = 100_000  # of features, over all outputs: an answer of some 10 MB

Matrix = dict[int, dict[int, float]]  # by feature, then by feature; what is not there is 0


class TooManyInteractions(TooMuchWork):
    """A model that can be explained, but not with interactions."""

    wanted = "interactions"
    instead = "ask without interactions=true"


class _Path(NamedTuple):
    """A leaf with at least two features on its path. `slots` has the place of each pair's sum, pair by pair."""

    value: float
    ranges: tuple[Range, ...]
    slots: tuple[int, ...]
    points: tuple[tuple[float, float], ...]


class Interactions:
    """Computes the interactions for one model. Lifetime: the model's.

    Features interact if they share a path of some tree. `any` is whether any do.
    """

    def __init__(self, contributions: Contributions) -> None:
        """Raise TooManyInteractions if one row would take too long, or its answer would be too large."""
        paths = contributions.paths
        check_work("leaves", paths.leaves, KEPT_LEAVES, TooManyInteractions)
        check_work("steps", sum(_steps(len(leaf.ranges)) for leaf in paths), MOST_STEPS, TooManyInteractions)
        self._used: list[set[int]] = [set() for _ in range(contributions.outputs)]
        places: dict[tuple[int, int, int], int] = {}  # by output and pair: the place of the pair's sum
        self._paths: list[_Path] = []
        for output, value, ranges in paths:
            features = [each.feature for each in ranges]
            self._used[output].update(features)
            pairs = [(output, min(pair), max(pair)) for pair in _pairs(features)]
            if pairs:
                slots = tuple(places.setdefault(pair, len(places)) for pair in pairs)
                self._paths.append(_Path(value, ranges, slots, rule(len(ranges) // 2)))
                check_work("pairs of features", len(places), MOST_PAIRS, TooManyInteractions)
        self._pairs = list(places)
        self.any = bool(places)

    def of(self, row: Sequence[float], contributions: Sequence[Sequence[float]]) -> list[Matrix]:
        """Return a symmetric matrix for each output, in log-odds, for a row and its contributions.

        A matrix has the features that some tree of its output splits on, and the pairs that share a path. Each row
        sums to the contribution of its feature.
        """
        sums = [0.0] * len(self._pairs)
        for path in self._paths:
            _add(path, row, sums)
        matrices: list[Matrix] = [
            {feature: {feature: contributions[output][feature]} for feature in sorted(self._used[output])}
            for output in range(len(self._used))
        ]
        for (output, one, other), value in zip(self._pairs, sums, strict=True):
            matrix = matrices[output]
            matrix[one][other] = matrix[other][one] = value
            matrix[one][one] -= value
            matrix[other][other] -= value
        return matrices


def _pairs(features: Sequence[int]) -> list[tuple[int, int]]:
    """Return all pairs of the features of a path, in the order in which `_add` takes them."""
    return [(one, other) for place, one in enumerate(features) for other in features[:place]]


def _steps(features: int) -> int:
    """Return the cost of a path: the product of its points, its pairs and a little for each feature."""
    return features // 2 * features * (features + 1) // 2


def _add(path: _Path, row: Sequence[float], sums: list[float]) -> None:
    """Add the interactions of one path to the sums of its pairs."""
    conditions = [(float(each.holds(row[each.feature])), each.share) for each in path.ranges]
    for t, weight in path.points:
        factors = [inside * t + share * (1 - t) for inside, share in conditions]
        whole = path.value / 2 * weight * prod(factors)
        if not whole:  # a path that no training row took, and this row does not
            continue
        gains = [(inside - share) / factor for (inside, share), factor in zip(conditions, factors, strict=True)]
        slots = iter(path.slots)
        for i, gain in enumerate(gains):
            scaled = whole * gain
            for other, slot in zip(gains[:i], slots, strict=False):
                sums[slot] += scaled * other
