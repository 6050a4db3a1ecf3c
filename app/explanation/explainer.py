"""All explanations of one model's answers. Each is built from the model's trees when it is first needed."""

from functools import cached_property
from typing import Any

import msgspec

from app.explanation.contributions import Contributions
from app.explanation.features import Feature, features_of
from app.explanation.flips import Flips, Row
from app.explanation.interactions import Interactions
from app.explanation.paths import MOST_LEAVES, Paths, check_work, count_leaves
from app.explanation.survival import Survival
from binding.library import Library
from contract.schema import Contract
from contract.trees import Forest

_decode_forest = msgspec.json.Decoder(Forest).decode


class Explainer:
    """The explanations for one library. Most processes are never asked for one, so the trees are decoded on first use.

    `trees` is the content of trees.json.
    """

    def __init__(self, library: Library, contract: Contract, trees: bytes) -> None:
        self.library = library
        self.contract = contract
        self._trees = trees

    @cached_property
    def _leaves(self) -> int:
        return count_leaves(self._trees)

    @cached_property
    def _forest(self) -> Forest:
        """The trees. Raises TooMuchWork, before they take memory, if they are too many."""
        check_work("leaves", self._leaves, MOST_LEAVES)
        return _decode_forest(self._trees)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The features of the model as functions of its inputs."""
        return features_of(self.contract)

    @cached_property
    def _paths(self) -> Paths:
        return Paths(self._forest)

    @cached_property
    def contributions(self) -> Contributions:
        """How much each feature contributed to each margin."""
        return Contributions(self._paths, len(self.features))

    @cached_property
    def interactions(self) -> Interactions:
        """How two features act together. Raises TooMuchWork if the model is too large for it."""
        return Interactions(self.contributions)

    @property
    def knows_missing(self) -> bool:
        """Whether the trees say where a missing value goes."""
        return all(tree.missing_left for tree in self._forest.trees)

    @cached_property
    def flips(self) -> Flips[Any]:
        """How far one input may move before the answer changes."""
        if self.contract.output.classed:
            return Flips(self._forest, self.contract, self._label, lambda one, other: one != other)
        return Flips(self._forest, self.contract, self._numbers, self._differ)

    @cached_property
    def survival(self) -> Survival:
        """Whether the class stays the same if all inputs are off by up to their errors."""
        return Survival(self._paths, self.contract, self._label)

    def _label(self, row: Row) -> int:
        return self.library.predict(row)[0]

    def _numbers(self, row: Row) -> tuple[float, ...]:
        return tuple(self.library.predict(row)[1].values())

    def _differ(self, one: tuple[float, ...], other: tuple[float, ...]) -> bool:
        tolerance = self.contract.output.tolerance
        return any(abs(a - b) > tolerance for a, b in zip(one, other, strict=True))
