"""`make bench`: the compiled model beside XGBoost and other ways to ask the same model, in one process."""

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.timed.cells import CELLS, CONTENDERS, prepare
from benchmarks.timed.turns import Turn, alternate, take


def turns(most_rounds: int | None) -> list[Turn]:
    """Return the turns: each contender takes one in every round of every cell."""
    return alternate(CELLS, CONTENDERS, most_rounds)


def bench_model(benchmark: BenchmarkFixture, turn: Turn, artifacts: Path) -> None:
    """Take one turn: calls for about 5 ms, each with the next input."""
    cell = prepare(turn.group, artifacts)
    if turn.contender not in cell.ready:
        pytest.skip(cell.left_out[turn.contender])
    ready = cell.ready[turn.contender]
    about = {"rows": cell.rows, "words": ready.name, "model": cell.model.words(), "left_out": cell.left_out}
    about["instruction_sets"] = cell.model.library.instruction_sets
    take(benchmark, turn, ready.call, ready.calls, **about)
