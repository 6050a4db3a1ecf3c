"""Choosing how a library evaluates its trees, by measuring on this machine."""

import statistics
import time
from collections.abc import Callable

import numpy as np

from binding.library import Library
from compile.build import NEVER, Build
from compile.certification.probes import Rows, random_features
from compile.reading.booster import CompilableModel
from contract.manifest import OneRow, Tuning

TL2CGEN_NODES = 20_000  # nodes; with more, mispredicted branches cost more than the walk, and compilers take minutes
TIE = 1.2  # tl2cgen's code is kept if it is slower by less than this factor, so that noise does not decide
SIZES = (4, 8, 16, 32, 64, 128, 256)  # numbers of rows from which blocks may be faster
ROWS = 2048
REPEATS = 7


def worth_trying_tl2cgen(model: CompilableModel) -> bool:
    """Return whether tl2cgen can write the model, in code that is small enough to compete with the array walk."""
    return model.for_tl2cgen and model.trees.nodes <= TL2CGEN_NODES


def tune(build: Build, model: CompilableModel) -> Tuning:
    """Measure each way to evaluate one row, and blocks of rows. Return the fastest. Raises Refusal if a build fails."""
    rows = random_features(model, ROWS, np.random.default_rng(2))
    one_row: dict[OneRow, float] = {}
    for name in build.ways:
        library = Library(build.library(Tuning(name, NEVER, {})))
        one_row[name] = _microseconds(library, rows)
    fastest = min(one_row, key=lambda name: one_row[name] * (1 if name == "tl2cgen" else TIE))
    blocks = Library(build.library(Tuning(build.ways[-1], 1, {})))
    block = {size: _microseconds(blocks, rows[:size]) for size in SIZES}
    block_from = next((size for size in SIZES if block[size] < one_row[fastest]), 2 * SIZES[-1])
    figures: dict[str, float] = {f"one row, {name}": figure for name, figure in one_row.items()}
    figures |= {f"block of {size}": figure for size, figure in block.items()}
    figures[f"{ROWS} rows in blocks"] = _microseconds(blocks, rows)
    return Tuning(
        one_row=fastest,
        block_from=block_from,
        figures={name: round(figure, 4) for name, figure in figures.items()},
    )


def _microseconds(library: Library, rows: Rows) -> float:
    """Return the median time for one row in microseconds."""
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
