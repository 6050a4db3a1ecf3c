"""The judge of one cell: what it calls equal, refused, and a third outcome."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from tests.matrix.cells import Cell
from tests.matrix.generate import ANSWERS, train
from tests.matrix.judge import (
    CONTEXTS,
    EQUAL,
    RANDOM_ROWS,
    REFUSED,
    STEPS_THEN,
    THIRD,
    Different,
    Outcome,
    compare_recorded,
    judge,
)
from tests.matrix.judging import outcome_of

CELL = Cell(xgboost.__version__, "gbtree", "multi:softprob", "missing")

Judge = Callable[[Cell], Outcome]
Changed = Callable[[dict[str, Any]], None]


@pytest.fixture(autouse=True)
def less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile faster and ask fewer rows, as the matrix does."""
    monkeypatch.setattr("compile.build.OPTIMIZED", "-O1")
    monkeypatch.setattr("compile.certification.probes.RANDOM_ROWS", RANDOM_ROWS)
    monkeypatch.setattr("compile.certification.probes.CONTEXTS", CONTEXTS)


@pytest.fixture
def judged(tmp_path: Path) -> Judge:
    """Train a cell and judge it."""

    def judged(cell: Cell) -> Outcome:
        train(cell, tmp_path)
        return judge_again(cell, tmp_path)

    return judged


def judge_again(cell: Cell, directory: Path) -> Outcome:
    files = [directory / f"{cell.name}.{ending}" for ending in ("json", "ubj")]
    return judge(cell, files, directory / f"{cell.name}{ANSWERS}")


@pytest.mark.long
def test_a_model_that_compiles_is_equal_in_both_formats(judged: Judge) -> None:
    """A model that compiles is equal in both formats."""
    assert judged(CELL) == Outcome(EQUAL, "")


def test_a_refusal_by_name_is_an_outcome(judged: Judge) -> None:
    """A refusal by name is an outcome."""
    assert judged(CELL._replace(booster="dart")) == Outcome(REFUSED, "dart")
    assert judged(CELL._replace(booster="gblinear")) == Outcome(REFUSED, "gblinear")
    assert judged(CELL._replace(features="partitions")) == Outcome(REFUSED, "categorical")


@pytest.mark.long
def test_what_should_be_refused_and_compiles_is_a_third_outcome(tmp_path: Path) -> None:
    """A model that compiles against the expectation is a third outcome."""
    train(CELL, tmp_path)
    other = CELL._replace(booster="gblinear")
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_name(path.name.replace(CELL.name, other.name)))
    assert judge_again(other, tmp_path) == Outcome(THIRD, "compiled, and should be refused: gblinear")


def test_what_should_compile_and_is_refused_is_a_third_outcome(tmp_path: Path) -> None:
    """A model that is refused against the expectation is a third outcome."""
    refused = CELL._replace(booster="gblinear")
    train(refused, tmp_path)
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_name(path.name.replace(refused.name, CELL.name)))
    outcome = judge_again(CELL, tmp_path)
    assert outcome.kind == THIRD
    assert "refused for another reason" in outcome.text


@pytest.mark.long
def test_formats_that_hold_two_models_are_a_third_outcome(tmp_path: Path) -> None:
    """Two formats with different models are a third outcome."""
    train(CELL, tmp_path)
    file = tmp_path / f"{CELL.name}.json"
    document = json.loads(file.read_bytes())
    tree = document["learner"]["gradient_booster"]["model"]["trees"][0]
    tree["split_conditions"][tree["left_children"].index(-1)] += 1.0
    file.write_text(json.dumps(document))
    assert judge_again(CELL, tmp_path).kind == THIRD


def test_one_format_refused_alone_is_a_third_outcome(tmp_path: Path) -> None:
    """One format that is refused alone is a third outcome."""
    refused = CELL._replace(booster="gblinear")
    train(refused, tmp_path)
    train(CELL, tmp_path)
    (tmp_path / f"{CELL.name}.ubj").rename(tmp_path / f"{refused.name}.ubj")
    outcome = judge_again(refused, tmp_path)
    assert outcome.kind == THIRD
    assert "in one format only" in outcome.text


RECORDED = {"margins": np.array([[0.5], [-2.0]], np.float32), "values": np.array([0.5, -2.0], np.float32)}
LABELS = np.zeros(2, dtype=np.int32)


def compared(version: str, shift: float, **more: Any) -> None:
    """Compare answers that are off by `shift` with what a version recorded."""
    cell = Cell(version, "gbtree", "reg:squarederror", "plain")
    margins = (RECORDED["margins"] + np.float32(shift)).astype(np.float32)
    compare_recorded(cell, {**RECORDED, **more}, margins.ravel(), margins, LABELS)


def test_the_bits_of_the_files_own_xgboost_are_demanded_since_1_3() -> None:
    """Since 1.3 the answers must have the bits of the file's own XGBoost."""
    compared("1.3.3", 0.0)
    with pytest.raises(Different, match="margins"):
        compared("1.3.3", 2.5e-7)


def test_an_older_one_may_have_added_in_another_order() -> None:
    """An older XGBoost may differ by a stated number of steps and no more."""
    compared("1.1.1", 2.5e-7)
    with pytest.raises(Different, match=f"{STEPS_THEN} are explained"):
        compared("1.1.1", 1e-5)


def test_labels_are_the_wrappers_classes() -> None:
    """A label is an index into the wrapper's classes."""
    shares = np.array([[0.5, 0.5], [0.25, 0.75]], np.float32)
    wrapper = {"wrapper_shares": shares, "wrapper_classes": np.array(["a", "b"])}
    cell = Cell("1.5.2", "gbtree", "multi:softmax", "plain")
    recorded = {**wrapper, "margins": shares, "values": LABELS, "wrapper_predicted": np.array(["a", "b"])}
    compare_recorded(cell, recorded, shares.ravel(), shares, np.array([0, 1], np.int32))
    with pytest.raises(Different, match="labels"):
        compare_recorded(cell, recorded, shares.ravel(), shares, np.array([0, 0], np.int32))


def test_nan_in_the_answers_differs() -> None:
    """NaN in the answers is a difference."""
    with pytest.raises(Different):
        compared("1.1.1", float("nan"))


def test_what_ends_a_fork_is_a_third_outcome() -> None:
    """A fork that dies is a third outcome."""
    assert outcome_of("", "ended with status -11") == Outcome(THIRD, "ended with status -11")
    assert outcome_of('["equal", ""]', "") == Outcome(EQUAL, "")
