"""`make bench`: the compiled model beside XGBoost and other ways to ask the same model, in one process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.contenders.models import MODELS
from benchmarks.timed.cells import CONTENDERS, ROUNDS, load_cell, prepare


@pytest.mark.parametrize("contender", CONTENDERS)
@pytest.mark.parametrize("rows", ROUNDS)
@pytest.mark.parametrize("model", MODELS)
def bench_model(
    benchmark: BenchmarkFixture,
    model: str,
    rows: int,
    contender: str,
    artifacts: Path,
    bounded: Callable[[int], int],
) -> None:
    """Time one contender with one model and batch: rounds of about 5 ms, each call with the next input."""
    cell = load_cell(model, rows, artifacts)
    ready = prepare(cell, contender)
    benchmark.group, benchmark.name = f"{model}-{rows}", contender
    benchmark.extra_info["model"], benchmark.extra_info["rows"] = model, rows
    benchmark.extra_info["contender"], benchmark.extra_info["about"] = ready.name, cell.model.words()
    benchmark.extra_info["instruction_sets"] = cell.model.library.instruction_sets
    benchmark.pedantic(ready.call, rounds=bounded(ROUNDS[rows]), iterations=ready.calls)  # type: ignore[no-untyped-call]
