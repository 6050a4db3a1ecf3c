"""One run: every model, every batch, all contenders against each other."""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import cast

from benchmarks.check import Wrong, check, xgboost_answers
from benchmarks.entry import Contender, Unsuitable
from benchmarks.machine import commit, this_machine, versions
from benchmarks.models import Model, Rows, load_model
from benchmarks.plan import JSON, OURS, PENGUIN, Effort, Plan
from benchmarks.results import Cell, Results, Subject
from benchmarks.timing import Starter, race

PARTS = 16  # the speed of a large batch is guessed from one of so many parts of it
POOL_ROWS = 8_192  # distinct rows a contender is asked about, where one batch has not more


def run(plan: Plan, command: str) -> Results:
    """Measure the plan, saying how far it is on stderr. Raises Refusal for a model that is not there."""
    contenders, missing = load_contenders(plan.contenders)
    models = [load_model(name) for name in plan.models]
    started = time.monotonic()
    cells = [
        measure(model, batch, contenders, missing, plan.effort)
        for model in models
        for batch in plan.batches
        if batch != JSON or model.name == PENGUIN
    ]
    return Results(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=commit(),
        command=command,
        seconds=round(time.monotonic() - started, 1),
        machine=this_machine(models[0].library.instruction_sets),
        contenders={name: contender.NAME for name, contender in contenders.items()},
        versions=versions(),
        models={model.name: _subject(model) for model in models},
        cells=tuple(cells),
    )


def load_contenders(names: tuple[str, ...]) -> tuple[dict[str, Contender], dict[str, str]]:
    """The modules, ours first, and for those whose packages are not installed the package."""
    found: dict[str, Contender] = {}
    missing: dict[str, str] = {}
    for name in (OURS, *(name for name in names if name != OURS)):
        try:
            found[name] = cast(Contender, import_module(f"benchmarks.contenders.{name}"))
        except ModuleNotFoundError as error:
            missing[name] = f"package {error.name} is not installed"
    return found, missing


def measure(
    model: Model, batch: str, contenders: dict[str, Contender], missing: dict[str, str], effort: Effort
) -> Cell:
    """Race all contenders that can take the model and answer rightly. Raises Wrong where ours errs."""
    rows = 1 if batch == JSON else int(batch)
    print(f"{model.name} {batch}", end=" ", file=sys.stderr, flush=True)
    batches = list(_batches(model, rows))
    starters, skipped = _checked(model, batch, contenders, batches, effort)
    cell = Cell(model.name, batch, rows, race(starters, effort), missing | skipped)
    print(f"{len(cell.timings[OURS].wall_us)} rounds", file=sys.stderr, flush=True)
    return cell


def _checked(
    model: Model, batch: str, contenders: dict[str, Contender], batches: list[Rows], effort: Effort
) -> tuple[dict[str, Starter], dict[str, str]]:
    """Those who may race, and why the others may not."""
    starters: dict[str, Starter] = {}
    skipped: dict[str, str] = {}
    expected = xgboost_answers(model, batches)
    for name, contender in contenders.items():
        try:
            if name != OURS:
                _refuse_slow(model, contender, batches[0], effort)
            entry = contender.serve(model) if batch == JSON else contender.prepare(model, int(batch))
            quickest_us = check(entry, batches, expected, exact=name == OURS)
        except (Unsuitable, Wrong) as reason:
            if name == OURS:
                raise
            skipped[name] = str(reason)
        else:
            starters[name] = Starter(entry.call, [entry.take(rows) for rows in batches], quickest_us)
    return starters, skipped


def _refuse_slow(model: Model, contender: Contender, batch: Rows, effort: Effort) -> None:
    """One call that takes most of a cell's time is not worth its repetition. Raises Unsuitable."""
    if len(batch) <= POOL_ROWS:
        return
    part = batch[: len(batch) // PARTS].copy()
    entry = contender.prepare(model, len(part))
    started = time.perf_counter()
    entry.call(entry.take(part))
    seconds = (time.perf_counter() - started) * PARTS
    if seconds > effort.slowest_call:
        raise Unsuitable(f"a call with {len(batch):,} rows takes about {seconds:.0f} s, too long to repeat")


def _batches(model: Model, rows: int) -> Iterator[Rows]:
    """Batches of distinct rows, each an array of its own."""
    drawn = model.draw(max(rows, POOL_ROWS))
    for start in range(0, len(drawn) - rows + 1, rows):
        yield drawn[start : start + rows].copy()


def _subject(model: Model) -> Subject:
    library = model.library
    return Subject(model.trees, model.depth, round(model.leaves, 1), library.features, library.outputs, model.missing)
