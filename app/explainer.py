"""Everything that explains one model's answers, made from its trees when it is first asked for."""

from functools import cached_property

import msgspec

from app.contributions import Contributions
from app.flips import Flips, Row
from app.library import Library
from app.survival import Survival
from contract.features import FEATURE_NAMES
from contract.trees import Forest


class Explainer:
    """Of one library. Most processes are never asked, so the trees are read by the first who does."""

    def __init__(self, library: Library, trees: bytes) -> None:
        self.library = library
        self._trees = trees

    @cached_property
    def _forest(self) -> Forest:
        return msgspec.json.decode(self._trees, type=Forest)

    @cached_property
    def contributions(self) -> Contributions:
        """To every margin."""
        return Contributions(self._forest, len(FEATURE_NAMES))

    @cached_property
    def flips(self) -> Flips:
        """Of the answer, by one measurement."""
        return Flips(self._forest, self._label)

    @cached_property
    def survival(self) -> Survival:
        """Of the answer, whatever is measured within some errors."""
        return Survival(self._forest, self._label)

    def _label(self, row: Row) -> int:
        return self.library.predict(row)[0]
