"""One cell of the comparison: a model and a batch. A contender is checked, and then it may be timed."""

import itertools
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, cast

from benchmarks.contenders.check import Wrong, check, xgboost_answers
from benchmarks.contenders.entry import Answers, Contender
from benchmarks.contenders.models import MODELS, Model, Rows, load_model

OURS = "ours"
CONTENDERS = (  # modules of benchmarks.contenders
    OURS,
    "xgb_classifier",
    "booster_dmatrix",
    "inplace_predict",
    "tl2cgen_predictor",
    "onnxruntime_session",
    "lignum_interpreter",
    "lignum_compiled",
    "onedal",
    "timber_predictor",
)
ROUNDS = {1: 31, 16: 31, 256: 31, 4096: 15, 65536: 5}  # by rows
SAME, COLD = "same row", "cold caches"  # instead of rows that vary, asked one after another
STATED = "500x6-1"  # the cell that is asked in these ways, too
CELLS = {f"{model}-{rows}": rounds for model in MODELS for rows, rounds in ROUNDS.items()}
CELLS |= {f"{STATED}-{state}": ROUNDS[1] for state in (SAME, COLD)}
POOL_ROWS = 8_192  # distinct rows that a contender is asked about, if a batch has no more


class Cell(NamedTuple):
    """A model, in words too, batches of so many rows that it was not trained on, and what XGBoost answers."""

    model: Model
    about: str
    rows: int
    batches: list[Rows]
    expected: list[Answers]
    state: str = ""


class Ready(NamedTuple):
    """A contender. `call` asks about the next input; the quickest call took so many seconds.

    If its answers are wrong, `wrong` says how, and it is not timed.
    """

    name: str
    call: Callable[[], Any]
    seconds: float
    wrong: str = ""


@lru_cache(1)
def load_cell(cell: str, artifacts: Path) -> Cell:
    """Return the cell with this name. Raises Refusal if there is no model."""
    for state in (SAME, COLD):
        if cell.endswith(f"-{state}"):
            found = load_cell(STATED, artifacts)
            return found._replace(state=state, batches=found.batches[:1] if state == SAME else found.batches)
    model, _, rows = cell.rpartition("-")
    return make_cell(_load(model, artifacts), int(rows))


@lru_cache(1)
def _load(name: str, artifacts: Path) -> Model:
    return load_model(name, artifacts)


@lru_cache(len(CONTENDERS))
def load_ready(cell: str, contender: str, artifacts: Path) -> Ready:
    """Return a contender of a cell, for all its turns. Raises Wrong if ours is."""
    return prepare(load_cell(cell, artifacts), contender)


def make_cell(model: Model, rows: int) -> Cell:
    """Draw the rows, and ask XGBoost about them."""
    drawn = model.draw(max(rows, POOL_ROWS))
    batches = [drawn[start : start + rows].copy() for start in range(0, len(drawn) - rows + 1, rows)]
    return Cell(model, model.words(), rows, batches, xgboost_answers(model, batches))


def prepare(cell: Cell, name: str) -> Ready:
    """Prepare calls whose inputs go round: the processor would learn the branches of a single row.

    `map` asks about the next input in C, so little beside the call itself is timed. Raises Wrong if ours is.
    """
    contender = cast(Contender, import_module(f"benchmarks.contenders.{name}"))
    entry = contender.prepare(cell.model, cell.rows)
    try:
        seconds = check(entry, cell.batches, cell.expected, exact=name == OURS)
    except Wrong as wrong:
        if name == OURS:
            raise
        return Ready(contender.NAME, lambda: None, 1.0, str(wrong))
    following = map(entry.call, itertools.cycle([entry.take(rows) for rows in cell.batches]))
    return Ready(contender.NAME, following.__next__, seconds)
