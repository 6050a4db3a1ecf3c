"""One cell of the comparison: a model and a batch. A contender is checked, and then it may be timed."""

import itertools
import math
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, cast

from benchmarks.contenders.check import check, xgboost_answers
from benchmarks.contenders.entry import Answers, Contender
from benchmarks.contenders.models import Model, Rows, load_model

OURS = "ours"
CONTENDERS = (  # modules of benchmarks.contenders
    OURS,
    "xgb_classifier",
    "booster_dmatrix",
    "inplace_predict",
    "tl2cgen_predictor",
    "onnxruntime_session",
)
ROUNDS = {1: 31, 16: 31, 256: 31, 4096: 15, 65536: 5}  # by rows
POOL_ROWS = 8_192  # distinct rows that a contender is asked about, if a batch has no more
ROUND_SECONDS = 0.005  # a round is as many calls as take about so long
MOST_CALLS = 10_000


class Cell(NamedTuple):
    """A model, batches of so many rows that it was not trained on, and what XGBoost answers."""

    model: Model
    rows: int
    batches: list[Rows]
    expected: list[Answers]


class Ready(NamedTuple):
    """A contender that may be timed. `call` asks about the next input; a round calls it so many times."""

    name: str
    call: Callable[[], Any]
    calls: int


@lru_cache(1)
def load_cell(name: str, rows: int, artifacts: Path) -> Cell:
    """Return the cell of a model and a number of rows. Raises Refusal if there is no model."""
    return make_cell(_load(name, artifacts), rows)


@lru_cache(1)
def _load(name: str, artifacts: Path) -> Model:
    return load_model(name, artifacts)


def make_cell(model: Model, rows: int) -> Cell:
    """Draw the rows, and ask XGBoost about them."""
    drawn = model.draw(max(rows, POOL_ROWS))
    batches = [drawn[start : start + rows].copy() for start in range(0, len(drawn) - rows + 1, rows)]
    return Cell(model, rows, batches, xgboost_answers(model, batches))


def prepare(cell: Cell, name: str) -> Ready:
    """Prepare calls whose inputs go round: the processor would learn the branches of a single row.

    `map` asks about the next input in C, so little beside the call itself is timed. Raises Wrong.
    """
    contender = cast(Contender, import_module(f"benchmarks.contenders.{name}"))
    entry = contender.prepare(cell.model, cell.rows)
    seconds = check(entry, cell.batches, cell.expected, exact=name == OURS)
    following = map(entry.call, itertools.cycle([entry.take(rows) for rows in cell.batches]))
    calls = max(1, min(MOST_CALLS, math.ceil(ROUND_SECONDS / max(seconds, 1e-9))))
    return Ready(contender.NAME, following.__next__, calls)
