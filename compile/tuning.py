"""Choosing how a library evaluates its trees, by measuring on this machine."""

import statistics
import time
from collections.abc import Callable

import numpy as np

from app.library import Library
from compile.booster import Model
from compile.build import NEVER, Build
from compile.probes import Rows, random_features
from contract.manifest import Tuning

TL2CGEN_NODES = 20_000  # beyond, branches mispredict more than the walk costs, and compilers take minutes
TIE = 1.2  # within this factor tl2cgen's code is kept, so that noise does not decide
SIZES = (4, 8, 16, 32, 64, 128, 256)  # rows from which blocks may pay
ROWS = 2048
REPEATS = 7


def worth_trying_tl2cgen(model: Model) -> bool:
    """Whether its code is small enough to compete with the array walk."""
    return model.trees.nodes <= TL2CGEN_NODES


def tune(build: Build, model: Model) -> Tuning:
    """Time one row by each way, and blocks of rows; choose the fastest. Raises Refusal where building does."""
    rows = random_features(model, ROWS, np.random.default_rng(2))
    one_row: dict[str, float] = {}
    for name in ("tl2cgen", "walk") if worth_trying_tl2cgen(model) else ("walk",):
        library = Library(build.library(Tuning(name, NEVER, {})))
        one_row[name] = _microseconds(library, rows)
    fastest = min(one_row, key=lambda name: one_row[name] * (1 if name == "tl2cgen" else TIE))
    blocks = Library(build.library(Tuning("walk", 1, {})))
    block = {size: _microseconds(blocks, rows[:size]) for size in SIZES}
    block_from = next((size for size in SIZES if block[size] < one_row[fastest]), 2 * SIZES[-1])
    figures = {f"one row, {name}": figure for name, figure in one_row.items()}
    figures |= {f"block of {size}": figure for size, figure in block.items()}
    figures[f"{ROWS} rows in blocks"] = _microseconds(blocks, rows)
    return Tuning(
        one_row="tl2cgen" if fastest == "tl2cgen" else "walk",
        block_from=block_from,
        figures={name: round(figure, 4) for name, figure in figures.items()},
    )


def _microseconds(library: Library, rows: Rows) -> float:
    """The median time a row, in microseconds."""
    data = rows.tobytes()
    return _median(lambda: library.predict_feature_rows(data, 0, len(rows))) / len(rows)


def _median(call: Callable[[], object]) -> float:
    call()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - start)
    return statistics.median(times) / 1000
