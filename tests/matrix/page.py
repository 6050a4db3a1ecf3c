"""docs/model-matrix.md: what became of every model."""

from collections import Counter
from collections.abc import Iterable

import xgboost

from benchmarks.machine import heading
from benchmarks.tables import table
from tests.matrix.cells import BOOSTERS, VERSIONS, Cell
from tests.matrix.judge import EQUAL, REFUSED, STEPS_THEN, THIRD, Outcome
from tests.matrix.situations import SITUATIONS

Judged = list[tuple[Cell, Outcome]]

ABOUT = """\
Each model is small, written by the XGBoost of its row as JSON and, since 1.6, as UBJSON too. *Equal*: the compiled
library certifies, has the margins of `Booster.predict` over a DMatrix bit for bit in XGBoost {judge}, and those of the
XGBoost that wrote the file: the same bits, or, before 1.3, which added in another order, within {steps} float32 steps
at the larger of the number and 1. *Refused*: by a message that names the reason. There must be no third outcome.
"""

FEW = """\
This page is of few versions and pairwise cells, which every change is judged by: each two of version, booster,
objective and kind of feature stand together in at least one model. `make model-matrix` judges all that there are.
"""


def page(judged: Judged, left_out: dict[str, str], small: bool = False) -> str:
    """Return the page, in Markdown."""
    lines = heading("The model matrix", "make model-matrix" + ' ARGS="--small --page"' * small)
    lines += [FEW, ""] if small else []
    lines += [ABOUT.format(judge=xgboost.__version__, steps=STEPS_THEN), f"**{counted(judged)}.**", ""]
    lines += [f"Left out: XGBoost {version}: {reason}.\n" for version, reason in left_out.items()]
    third = [f"- {cell.version} {cell.name}: {outcome.text}" for cell, outcome in judged if outcome.kind == THIRD]
    lines += ["## Third outcomes", "", *third, ""] if third else []
    lines += ["## By version and booster", "", _grid_table(judged), ""]
    lines += ["## Situations", "", "How else a model can come about; each in every version that can.", ""]
    lines += [_situation_table(judged), ""]
    return "\n".join(lines)


def counted(judged: Judged) -> str:
    """Return how many there are of each outcome, in words."""
    counts = Counter(outcome.kind for _, outcome in judged)
    kinds = (f"{counts[EQUAL]:,} equal", f"{counts[REFUSED]:,} refused by name", f"{counts[THIRD]:,} third outcomes")
    return f"{len(judged):,} models: {', '.join(kinds)}"


def _grid_table(judged: Judged) -> str:
    head = ["XGBoost", "booster", "objectives", "models", "equal", "refused", "reasons"]
    rows = []
    for version in _versions(judged):
        for booster in BOOSTERS:
            of_row = [
                (cell, outcome)
                for cell, outcome in judged
                if not cell.situation and (cell.version, cell.booster) == (version, booster)
            ]
            rows += [_grid_row(of_row)] if of_row else []
    return table(head, rows)


def _grid_row(judged: Judged) -> list[str]:
    cell = judged[0][0]
    counts = Counter(outcome.kind for _, outcome in judged)
    objectives = str(len({cell.objective for cell, _ in judged}))
    figures = [str(len(judged)), str(counts[EQUAL]), str(counts[REFUSED])]
    return [cell.version, cell.booster, objectives, *figures, _reasons(outcome for _, outcome in judged)]


def _reasons(outcomes: Iterable[Outcome]) -> str:
    counts = Counter(outcome.text if outcome.kind == REFUSED else outcome.kind for outcome in outcomes)
    return ", ".join(f"{reason} {count}" for reason, count in counts.most_common() if reason != EQUAL)


def _situation_table(judged: Judged) -> str:
    rows = []
    for name in SITUATIONS:
        found = {cell.version: outcome for cell, outcome in judged if cell.situation == name}
        equal = [version for version in _versions(judged) if version in found and found[version].kind == EQUAL]
        others = [f"{version} {_why(found[version])}" for version in found if found[version].kind != EQUAL]
        rows.append([name, ", ".join(equal), ", ".join(others)])
    return table(["situation", "equal", "refused, and why"], rows)


def _why(outcome: Outcome) -> str:
    return f"({outcome.text if outcome.kind == REFUSED else outcome.kind})"


def _versions(judged: Judged) -> list[str]:
    there = {cell.version for cell, _ in judged}
    return [version for version in (*VERSIONS, *sorted(there.difference(VERSIONS))) if version in there]
