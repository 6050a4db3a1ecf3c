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

from collections.abc import Sequence
from math import prod

from app.explanation.paths import Leaf, Paths
from app.explanation.quadrature import rule


class Contributions:
    """Computes the contributions for one model. Lifetime: the model's."""

    def __init__(self, paths: Paths, features: int) -> None:
        self.paths = paths
        self._features = features
        self._biases = list(paths.forest.base_margins)
        for leaf in paths:
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
        for leaf in self.paths:
            _add(leaf, row, contributions[leaf.output])
        return contributions


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
