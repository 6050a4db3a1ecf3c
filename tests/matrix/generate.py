"""python -m tests.matrix.generate DIRECTORY: train the cells whose names are on stdin, with the XGBoost of this Python.

Beside each model NAME.json, NAME.ubj or NAME.bin stand this XGBoost's own answers, NAME.npz, and left.json holds the
cells that it did not train, with the reason. Runs with XGBoost, NumPy and the standard library alone.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from tests.matrix.apart import each
from tests.matrix.cells import Cell, formats, grid
from tests.matrix.data import questions
from tests.matrix.growing import VERSION, described, grow
from tests.matrix.situations import SITUATIONS, situations

LEFT = "left.json"
ANSWERS = ".npz"
SECONDS = 60  # for one cell


def main(directory: Path, names: list[str]) -> None:
    """Train every named cell in a process of its own, which may crash."""
    warnings.simplefilter("ignore")
    version = xgboost.__version__
    cells = {cell.name: cell for cell in (*grid(version), *situations(version))}
    directory.mkdir(parents=True, exist_ok=True)
    chosen = [cells[name] for name in names]
    left = {cell.name: end.problem for cell, end in each(chosen, lambda cell: train(cell, directory), SECONDS)}
    reasons = {name: problem for name, problem in left.items() if problem}
    (directory / LEFT).write_text(json.dumps(reasons, indent=1), encoding="utf-8")


def train(cell: Cell, directory: Path) -> str:
    """Write the models and the answers of one cell. Returns nothing: what fails raises."""
    model = SITUATIONS[cell.situation].grown() if cell.situation else grow(cell.objective, cell.booster, cell.features)
    answers = ask(model, cell.features)
    for ending in formats(cell.version):
        model.save_model(str(directory / f"{cell.name}.{ending}"))
    np.savez(directory / f"{cell.name}{ANSWERS}", **answers)
    return ""


def ask(model: Any, features: str) -> dict[str, Any]:
    """Return the rows that were asked, and what the booster and, where there is one, the wrapper answer."""
    wrapper = model if hasattr(model, "get_booster") else None
    booster = wrapper.get_booster() if wrapper else model
    missing = np.nan if wrapper is None or wrapper.missing is None else wrapper.missing
    rows = questions(features)
    if not np.isnan(missing):
        rows = np.where(np.isnan(rows), np.float32(missing), rows)
    data = xgboost.DMatrix(rows, missing=missing, **described(features))
    answers = {"rows": rows, "missing": np.float32(missing), "all_margins": booster.predict(data, output_margin=True)}
    cut = rounds_to_the_best(booster)
    answers["margins"] = booster.predict(data, output_margin=True, **cut)
    answers["values"] = booster.predict(data, **cut)
    return {**answers, **ask_wrapper(wrapper, rows)}


def rounds_to_the_best(booster: Any) -> dict[str, Any]:
    """Return the argument that makes `predict` stop at the best round, where the booster knows one that it has."""
    best = booster.attr("best_iteration")
    if best is None or not best.isdigit():
        return {}
    if VERSION >= (1, 4):
        return {"iteration_range": (0, min(int(best) + 1, booster.num_boosted_rounds()))}
    return {"ntree_limit": getattr(booster, "best_ntree_limit", int(best) + 1)}  # of a forest, all of its trees


def ask_wrapper(wrapper: Any, rows: Any) -> dict[str, Any]:
    """Return the labels or numbers that a wrapper predicts, and of a classifier its probabilities and classes."""
    if wrapper is None:
        return {}
    answers = {"wrapper_predicted": np.asarray(wrapper.predict(rows))}
    if hasattr(wrapper, "predict_proba"):
        answers["wrapper_shares"] = wrapper.predict_proba(rows)
        answers["wrapper_classes"] = np.asarray(wrapper.classes_)
    return answers


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.load(sys.stdin))
