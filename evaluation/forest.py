"""The answers of a bundle's trees, for many rows at once, without the compiled library.

Margins equal XGBoost's bit for bit: the base margin, then the leaf of each tree in order, in float32.
"""

import numpy as np
import numpy.typing as npt

from contract.schema import Contract
from contract.trees import Forest, Tree

Rows = npt.NDArray[np.float32]  # (rows, columns)


class Evaluator:
    """Answers rows of inputs without missing values, by a model of several classes."""

    def __init__(self, contract: Contract, forest: Forest) -> None:
        self._contract = contract
        self._base = np.array(forest.base_margins, np.float32)
        self._trees = [(tree.output, _Arrays(tree)) for tree in forest.trees]

    def margins(self, rows: Rows) -> Rows:
        """Return float32 (rows, outputs) for float32 (rows, inputs)."""
        columns = dict(zip(self._contract.input_names, rows.T, strict=True))
        features = np.stack(self._contract.derive(columns))
        found = np.repeat(self._base[:, None], len(rows), axis=1)
        for output, tree in self._trees:
            found[output] += tree.leaves(features)
        return found.T

    def probabilities(self, rows: Rows) -> Rows:
        """Return float32 (rows, classes), within the rounding of a float32 of XGBoost's."""
        margins = self.margins(rows)
        powers = np.exp(margins - margins.max(axis=1, keepdims=True))
        found: Rows = powers / powers.sum(axis=1, keepdims=True)
        return found


class _Arrays:
    """One tree as arrays by node. A leaf is its own child, so that all rows take as many steps."""

    def __init__(self, tree: Tree) -> None:
        leaf = np.array(tree.left) < 0
        # (2, nodes): the second is taken if the feature is below the node's value.
        self._children = np.where(leaf, np.arange(len(leaf)), np.array([tree.right, tree.left]))
        self._feature, self._value = np.array(tree.feature), np.array(tree.value, np.float32)
        self._steps, reached = 0, {0}
        while not all(leaf[list(reached)]):
            reached = set(self._children[:, list(reached)].ravel().tolist())
            self._steps += 1

    def leaves(self, features: Rows) -> npt.NDArray[np.float32]:
        """Return the value of the leaf that each row reaches, float32 (rows,), for float32 (features, rows)."""
        rows = np.arange(features.shape[1])
        node = np.zeros(len(rows), np.intp)
        for _ in range(self._steps):
            below = features[self._feature[node], rows] < self._value[node]
            node = self._children[below.view(np.int8), node]
        found: npt.NDArray[np.float32] = self._value[node]
        return found
