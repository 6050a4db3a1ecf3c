"""`make bench`: the compiled model beside XGBoost and other ways to ask the same model, in one process."""

from pathlib import Path

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.timed.cells import CELLS, COLD, CONTENDERS, load_cell, load_ready
from benchmarks.timed.turns import Turn, alternate, calls_in_a_turn, empty_caches, take


def turns(most_rounds: int | None) -> list[Turn]:
    """Return the turns: each contender takes one in every round of every cell."""
    return alternate(CELLS, CONTENDERS, most_rounds)


def bench_model(benchmark: BenchmarkFixture, turn: Turn, artifacts: Path) -> None:
    """Take one turn: calls for about 5 ms, each with the next input, or one call after caches were emptied."""
    ready = load_ready(turn.group, turn.contender, artifacts)
    model, about, rows, *_, state = load_cell(turn.group, artifacts)
    if state == COLD:
        empty_caches()
    take(
        benchmark,
        turn,
        ready.call,
        1 if state == COLD else calls_in_a_turn(ready.seconds),
        model=model.name,
        rows=rows,
        contender=ready.name,
        about=about,
        instruction_sets=model.library.instruction_sets,
        state=state,
        wrong=ready.wrong,
    )
