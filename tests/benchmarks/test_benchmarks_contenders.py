import sys

import numpy as np
import pytest

from benchmarks.contenders import inplace_predict, ours
from benchmarks.contenders.check import Wrong, check, xgboost_answers
from benchmarks.contenders.entry import Answers, Entry
from benchmarks.contenders.models import Model
from benchmarks.timed.cells import CONTENDERS, JSON, OURS, Cell, compare
from binding.library import Batch


def skip_missing(cell: Cell, name: str) -> None:
    if "is not installed" in cell.left_out.get(name, ""):
        pytest.skip(cell.left_out[name])


@pytest.mark.parametrize("name", CONTENDERS)
@pytest.mark.parametrize("batch", ["1", "16"])
def test_a_contender_answers_like_xgboost(model: Model, batch: str, name: str) -> None:
    """A contender answers rows of inputs, one or many, with missing values among them."""
    cell = compare(model, batch, (name,))
    skip_missing(cell, name)
    assert list(cell.ready) == [name]


@pytest.mark.parametrize("name", CONTENDERS)
def test_a_contender_answers_json_like_xgboost(penguin: Model, name: str) -> None:
    """A contender answers a body with a body; each call takes the next input."""
    cell = compare(penguin, JSON, (name,))
    skip_missing(cell, name)
    answers = [cell.ready[name].call() for _ in range(16)]
    assert len(set(answers)) > 1


def check_four_rows(model: Model, entry: Entry, exact: bool) -> None:
    batches = [model.draw(4)]
    check(entry, batches, xgboost_answers(model, batches), exact)


def test_a_wrong_answer_is_never_timed(penguin: Model) -> None:
    """Probabilities that are off by more than 1e-5 are refused."""
    entry = inplace_predict.prepare(penguin, 4)
    off = entry._replace(call=lambda rows: entry.call(rows) + np.float32(2e-5))
    with pytest.raises(Wrong, match="off by up to"):
        check_four_rows(penguin, off, exact=False)


def test_margins_of_other_bits_are_wrong_for_ours(penguin: Model) -> None:
    """Ours is held to XGBoost's margins, not to a tolerance."""
    entry = ours.prepare(penguin, 4)

    def nudged(found: Batch) -> Answers:
        answers = entry.read(found)
        assert answers.margins is not None
        return answers._replace(margins=np.nextafter(answers.margins, np.float32(np.inf)))

    with pytest.raises(Wrong, match="other bits"):
        check_four_rows(penguin, entry._replace(read=nudged), exact=True)


def test_a_contender_that_errs_is_left_out_and_ours_ends_the_run(
    penguin: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong answer has no speed."""
    entry = inplace_predict.prepare(penguin, 4)
    wrong = entry._replace(call=lambda rows: np.zeros((len(rows), 3), dtype=np.float32))
    monkeypatch.setattr(inplace_predict, "prepare", lambda *_: wrong)
    cell = compare(penguin, "4", (OURS, "inplace_predict"))
    assert list(cell.ready) == [OURS]
    assert "off by up to" in cell.left_out["inplace_predict"]
    monkeypatch.setattr(ours, "prepare", lambda *_: wrong)
    with pytest.raises(Wrong):
        compare(penguin, "4", (OURS,))


def test_a_contender_that_takes_too_long_is_left_out(penguin: Model) -> None:
    """A slow contender is recognised by a part of the batch; ours always stays."""
    cell = compare(penguin, "16384", (OURS, "inplace_predict"), slowest=0)
    assert list(cell.ready) == [OURS]
    assert "too long to repeat" in cell.left_out["inplace_predict"]


def test_a_contender_whose_package_is_missing_is_left_out(penguin: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others take turns without it."""
    monkeypatch.delitem(sys.modules, "benchmarks.contenders.onnxruntime_session", raising=False)
    monkeypatch.setitem(sys.modules, "onnxmltools", None)
    cell = compare(penguin, "4", (OURS, "onnxruntime_session"))
    assert list(cell.ready) == [OURS]
    assert cell.left_out == {"onnxruntime_session": "package onnxmltools is not installed"}
