"""What has to become of each model: the same bits as XGBoost, or a refusal that names one of these reasons."""

import re

from tests.matrix.cells import Cell, Version, version_of
from tests.matrix.data import CATEGORICAL
from tests.matrix.situations import SITUATIONS

ROUNDS_ARE_KNOWN: Version = (1, 6)  # until then a file did not say how many trees a round has
BASE_IS_A_MARGIN: Version = (1, 3)  # since then, for binary:logitraw
LEAVES_HAVE_WEIGHTS: Version = (3, 2)  # since then, if they are vectors; a newer XGBoost crashes on older ones
REASONS = {  # what the text of a refusal holds, as a regular expression
    "newer": r"was written by XGBoost \d+\.\d+",
    "binary format": r"binary format|not an XGBoost model in JSON or UBJSON",
    "gblinear": "the booster 'gblinear'",
    "dart": "the booster 'dart'|weight_drop",
    "base of logitraw": "binary:logitraw of XGBoost before 1.3",
    "old vectors": "leaves that are vectors .* as XGBoost before 3.2 wrote them",
    "categorical": "categorical splits",
    "no trees": "without trees",
    "not finite": r"(leaf|threshold) of -?(inf|nan)\b|more than a float32 holds|not an XGBoost model in JSON",
    "pruned by 1.0": r"(cannot read|not an XGBoost model) .*num_deleted",
    "best iteration": "attribute best_iteration",
}


class Expectation:
    """What may become of one cell, where the XGBoost that judges is `judge`."""

    def __init__(self, cell: Cell, judge: str) -> None:
        situation = SITUATIONS.get(cell.situation)
        of_cell = _reasons(cell, version_of(judge))
        self.reasons = [*of_cell, *(situation.refused if situation else ())]
        self._possible = [*self.reasons, *(situation.may_be_refused if situation else ())]
        forest = cell.booster == "forest" or "forest" in cell.situation  # 1.3 to 1.5 name a best round in every model
        if version_of(cell.version) < ROUNDS_ARE_KNOWN and (forest or (situation and situation.stopped)):
            self._possible.append("best iteration")

    @property
    def may_be_equal(self) -> bool:
        """Whether the compiled model has to answer, or may."""
        return not self.reasons

    def named(self, refusal: str) -> str | None:
        """Return the reason that a refusal names, of those that hold for the cell, or None."""
        return next((reason for reason in self._possible if re.search(REASONS[reason], refusal)), None)


def _reasons(cell: Cell, judge: Version) -> list[str]:
    version = version_of(cell.version)
    found = {
        "newer": version > judge,
        "binary format": version < (1,),
        "gblinear": cell.booster == "gblinear",
        "dart": cell.booster == "dart",
        "base of logitraw": cell.objective == "binary:logitraw" and version < BASE_IS_A_MARGIN,
        "old vectors": "in-vectors" in cell.situation and version < LEAVES_HAVE_WEIGHTS,
        "categorical": cell.features in CATEGORICAL,
    }
    return [reason for reason, holds in found.items() if holds]
