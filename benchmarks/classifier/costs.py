"""What more trees cost: training, the library's size, and the time of an answer, beside XGBoost in the same run."""

import shutil
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xgboost

from benchmarks.classifier.grids import Parameters
from benchmarks.contenders.compiled import compiled
from benchmarks.contenders.models import PENGUIN, Model
from benchmarks.timed.cells import OURS, Ready, make_cell, prepare
from benchmarks.timed.turns import calls_in_a_turn
from binding.library import Library
from bundle.fetch import read_directory
from bundle.verify import IN_PLACE
from contract.files import write_atomically
from contract.reading import PENGUINS
from train.features import features
from train.model import fit
from train.penguins import load

XGBOOST = "inplace_predict"
ONE, MANY = 1, 65_536  # rows of a call
FITS = 5


class Cost(NamedTuple):
    """What one model costs. Times are of the CPU.

    `fit_seconds` is for fitting it to all birds, `library_bytes` the size of its library. `row_ns` has the nanoseconds
    that a contender takes for each row of a call, by the contender's name and the number of rows of the call.
    """

    fit_seconds: float
    library_bytes: int
    row_ns: dict[tuple[str, int], float]


def costs(chosen: dict[int, Parameters], artifacts: Path, turns: int) -> dict[int, Cost]:
    """Fit, compile and time a model of each number of rounds. `artifacts` has training_rows.csv. Raises Refusal.

    All models and both contenders take turns, so that what disturbs the machine disturbs all alike.
    """
    models, seconds, sizes = {}, {}, {}
    for rounds, parameters in chosen.items():
        seconds[rounds], path = _fitted(parameters, artifacts)
        verified = read_directory(compiled(path), IN_PLACE)
        library = Library(verified.library, verified.contract.output.values)
        sizes[rounds] = len(verified.library)
        models[rounds] = Model(PENGUIN, path, path.parent, _booster(path), library)
    times = _timed(models, turns)
    return {
        rounds: Cost(
            seconds[rounds],
            sizes[rounds],
            {(name, rows): ns for (of, name, rows), ns in times.items() if of == rounds},
        )
        for rounds in chosen
    }


def _fitted(parameters: Parameters, artifacts: Path) -> tuple[float, Path]:
    """Return the seconds of a fit with one thread, the median of FITS, and the model's file, with its contract."""
    birds, taken = load(), []
    table = features(birds.measurements)
    for _ in range(FITS):
        start = time.thread_time()
        booster = fit(table, birds.labels, threads=1, rounds=parameters.rounds, **parameters.fitting)
        taken.append(time.thread_time() - start)
    path = artifacts / "bench" / "classifier" / f"{parameters.rounds}" / "model.json"
    write_atomically(path, bytes(booster.save_raw("json")))
    shutil.copyfile(PENGUINS, path.with_suffix(".toml"))
    shutil.copyfile(artifacts / "training_rows.csv", path.with_name("training_rows.csv"))
    return statistics.median(taken), path


def _booster(path: Path) -> xgboost.Booster:
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(path)
    return booster


def _timed(models: dict[int, Model], turns: int) -> dict[tuple[int, str, int], float]:
    """Return nanoseconds a row by rounds, contender and rows of a call: the median of the turns."""
    taken: dict[tuple[int, str, int], list[float]] = {}
    for rows in (ONE, MANY):
        ready = {
            (rounds, name): prepare(make_cell(model, rows), name)
            for rounds, model in models.items()
            for name in (OURS, XGBOOST)
        }
        for _ in range(turns if rows == ONE else max(1, turns // 4)):
            for (rounds, name), each in ready.items():
                taken.setdefault((rounds, name, rows), []).append(_turn(each) / rows * 1e9)
    return {key: float(np.median(values)) for key, values in taken.items()}


def _turn(ready: Ready) -> float:
    """Return the seconds of CPU of a call, over calls of some 5 ms: other users of the machine do not count."""
    calls = calls_in_a_turn(ready.seconds)
    start = time.thread_time()
    for _ in range(calls):
        ready.call()
    return (time.thread_time() - start) / calls
