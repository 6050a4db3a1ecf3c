"""One cell of the comparison: a model and a batch. All contenders that can take it are checked, then timed in turn."""

import itertools
import math
import time
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, cast

from benchmarks.contenders.check import Wrong, check, xgboost_answers
from benchmarks.contenders.entry import Contender, Entry, Unsuitable
from benchmarks.contenders.models import MODELS, PENGUIN, Model, Rows, load_model

OURS = "ours"
CONTENDERS = (  # modules of benchmarks.contenders
    OURS,
    "xgb_classifier",
    "booster_dmatrix",
    "inplace_predict",
    "treelite_gtil",
    "tl2cgen_predictor",
    "onnxruntime_session",
)
JSON = "json"  # a batch of its own: one JSON body to one JSON answer
ROUNDS = {JSON: 31, "1": 31, "16": 31, "256": 31, "4096": 15, "65536": 5}  # by batch
CELLS = {
    f"{model}-{batch}": rounds
    for model in MODELS
    for batch, rounds in ROUNDS.items()
    if batch != JSON or model == PENGUIN
}
REQUEST_ROUNDS = 60  # of bench_request
POOL_ROWS = 8_192  # distinct rows that a contender is asked about, if a batch has no more
PARTS = 16  # the speed of a large batch is guessed from one of so many parts of it
SLOWEST_CALL = 4.0  # seconds; a contender that needs more is left out of the cell
TURN = 0.005  # seconds: a turn is as many calls as take about so long
MOST_CALLS = 10_000


class Ready(NamedTuple):
    """A contender that may be timed. `call` asks about the next input; a turn calls it so many times."""

    name: str
    call: Callable[[], Any]
    calls: int


class Cell(NamedTuple):
    """The contenders of one model and one batch; `left_out` says why others are not among them."""

    model: Model
    rows: int
    ready: dict[str, Ready]
    left_out: dict[str, str]


@lru_cache(1)
def prepare(cell: str, artifacts: Path) -> Cell:
    """Make the cell with this name ready. Raises Wrong if our own answers are wrong."""
    name, _, batch = cell.rpartition("-")
    return compare(_load(name, artifacts), batch, CONTENDERS)


@lru_cache(1)
def _load(name: str, artifacts: Path) -> Model:
    return load_model(name, artifacts)


def compare(model: Model, batch: str, names: tuple[str, ...], slowest: float = SLOWEST_CALL) -> Cell:
    """Check all these contenders with this model and batch. Raises Wrong if our own answers are wrong."""
    rows = 1 if batch == JSON else int(batch)
    drawn = model.draw(max(rows, POOL_ROWS))
    batches = [drawn[start : start + rows].copy() for start in range(0, len(drawn) - rows + 1, rows)]
    expected = xgboost_answers(model, batches)
    cell = Cell(model, rows, {}, {})
    for name in names:
        try:
            contender = cast(Contender, import_module(f"benchmarks.contenders.{name}"))
            if name != OURS:
                _refuse_slow(model, contender, batches[0], slowest)
            entry = contender.prepare(model, None if batch == JSON else rows)
            seconds = check(entry, batches, expected, exact=name == OURS)
        except ModuleNotFoundError as error:
            cell.left_out[name] = f"package {error.name} is not installed"
        except (Unsuitable, Wrong) as reason:
            if name == OURS:
                raise
            cell.left_out[name] = f"{contender.NAME} ({model.name}): {reason}"
        else:
            cell.ready[name] = _ready(contender.NAME, entry, batches, seconds)
    return cell


def _ready(name: str, entry: Entry, batches: list[Rows], seconds: float) -> Ready:
    """Prepare calls whose inputs go round: the processor would learn the branches of a single row.

    `map` asks about the next input in C, so little beside the call itself is timed.
    """
    following = map(entry.call, itertools.cycle([entry.take(rows) for rows in batches]))
    return Ready(name, following.__next__, max(1, min(MOST_CALLS, math.ceil(TURN / max(seconds, 1e-9)))))


def _refuse_slow(model: Model, contender: Contender, batch: Rows, slowest: float) -> None:
    """Refuse a contender whose one call takes most of a cell's time. Raises Unsuitable."""
    if len(batch) <= POOL_ROWS:
        return
    part = batch[: len(batch) // PARTS].copy()
    entry = contender.prepare(model, len(part))
    started = time.perf_counter()
    entry.call(entry.take(part))
    seconds = (time.perf_counter() - started) * PARTS
    if seconds > slowest:
        raise Unsuitable(f"a call with {len(batch):,} rows takes about {seconds:.0f} s, too long to repeat")
