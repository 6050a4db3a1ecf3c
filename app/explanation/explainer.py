"""All explanations of one model's answers. Each is built from the model's trees when it is first needed."""

from functools import cached_property

import msgspec

from app.explanation.contributions import Contributions
from app.explanation.flips import Flips, Row
from app.explanation.survival import Survival
from binding.library import Library
from contract.features import FEATURE_NAMES
from contract.trees import Forest

_decode_forest = msgspec.json.Decoder(Forest).decode


class Explainer:
    """The explanations for one library. Most processes are never asked for one, so the trees are decoded on first use.

    `trees` is the content of trees.json.
    """

    def __init__(self, library: Library, trees: bytes) -> None:
        self.library = library
        self._trees = trees

    @cached_property
    def _forest(self) -> Forest:
        return _decode_forest(self._trees)

    @cached_property
    def contributions(self) -> Contributions:
        """How much each feature contributed to each margin."""
        return Contributions(self._forest, len(FEATURE_NAMES))

    @cached_property
    def flips(self) -> Flips:
        """How far one measurement may move before the answer changes."""
        return Flips(self._forest, self._label)

    @cached_property
    def survival(self) -> Survival:
        """Whether the answer stays the same if all measurements are off by up to their errors."""
        return Survival(self._forest, self._label)

    def _label(self, row: Row) -> int:
        return self.library.predict(row)[0]
