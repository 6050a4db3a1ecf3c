import sys

import numpy as np
import pytest

from app.library import Batch
from benchmarks.check import Wrong, check, xgboost_answers
from benchmarks.contenders import ours
from benchmarks.entry import Answers, Contender, Entry
from benchmarks.models import Model
from benchmarks.plan import CONTENDERS, JSON, OURS, Effort
from benchmarks.run import load_contenders, measure

BRIEF = Effort(seconds=0, least_rounds=2, most_rounds=3)


@pytest.fixture(params=CONTENDERS)
def contender(request: pytest.FixtureRequest) -> Contender:
    found, missing = load_contenders((request.param,))
    if request.param in missing:
        pytest.skip(f"{request.param}: {missing[request.param]}")
    return found[request.param]


@pytest.mark.parametrize("rows", [1, 16])
def test_a_contender_answers_as_xgboost(contender: Contender, model: Model, rows: int) -> None:
    """On rows of inputs, one or many, missing values among them."""
    drawn = model.draw(64)
    batches = [drawn[i : i + rows].copy() for i in range(0, len(drawn), rows)]
    check(contender.prepare(model, rows), batches, xgboost_answers(model, batches), exact=contender.NAME == OURS)


def test_a_contender_answers_json_as_xgboost(contender: Contender, penguin: Model) -> None:
    """From the body of a request to the body of its answer."""
    drawn = penguin.draw(64)
    batches = [drawn[i : i + 1] for i in range(64)]
    check(contender.serve(penguin), batches, xgboost_answers(penguin, batches), exact=False)


def test_fresh_rows_are_like_the_training_data(model: Model) -> None:
    """The same rows on every run, and as many missing values as the model knows."""
    rows = model.draw(2_000)
    assert rows.tobytes() == model.draw(2_000).tobytes()
    assert np.isnan(rows).mean() == pytest.approx(model.missing, abs=0.01)
    assert len(np.unique(model.booster.inplace_predict(model.features(rows), validate_features=False))) > 10


def _check(model: Model, entry: Entry, exact: bool) -> None:
    batches = [model.draw(4)]
    check(entry, batches, xgboost_answers(model, batches), exact)


def test_a_wrong_answer_is_never_timed(penguin: Model) -> None:
    """Probabilities that are off by more than 1e-5 end the run."""
    ask = penguin.booster.inplace_predict
    off = Entry(lambda rows: ask(penguin.features(rows), validate_features=False) + np.float32(2e-5))
    with pytest.raises(Wrong, match="off by up to"):
        _check(penguin, off, exact=False)


def test_margins_of_other_bits_are_wrong_for_ours(penguin: Model) -> None:
    """Ours is held to XGBoost's margins, not to a tolerance."""
    entry = ours.prepare(penguin, 4)

    def nudged(found: Batch) -> Answers:
        answers = entry.read(found)
        assert answers.margins is not None
        return answers._replace(margins=np.nextafter(answers.margins, np.float32(np.inf)))

    with pytest.raises(Wrong, match="other bits"):
        _check(penguin, entry._replace(read=nudged), exact=True)


@pytest.mark.parametrize("batch", [JSON, "1", "16"])
def test_a_cell_has_every_contender_with_as_many_rounds(penguin: Model, batch: str) -> None:
    """And says which packages are missing."""
    names = (OURS, "inplace_predict")
    contenders, _ = load_contenders(names)
    cell = measure(penguin, batch, contenders, {"absent": "package absent is not installed"}, BRIEF)
    assert {name: len(timing.wall_us) for name, timing in cell.timings.items()} == dict.fromkeys(names, 2)
    assert cell.skipped == {"absent": "package absent is not installed"}


def test_a_contender_that_errs_is_left_out_and_ours_ends_the_run(
    penguin: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong answer has no speed."""
    contenders, _ = load_contenders(("inplace_predict",))
    wrong = Entry(lambda rows: np.zeros((len(rows), 3), dtype=np.float32))
    monkeypatch.setattr(contenders["inplace_predict"], "prepare", lambda *_: wrong)
    cell = measure(penguin, "4", contenders, {}, BRIEF)
    assert list(cell.timings) == [OURS]
    assert "off by up to" in cell.skipped["inplace_predict"]
    monkeypatch.setattr(contenders[OURS], "prepare", lambda *_: wrong)
    with pytest.raises(Wrong):
        measure(penguin, "4", contenders, {}, BRIEF)


def test_a_contender_that_takes_too_long_is_left_out(penguin: Model) -> None:
    """Judged by a part of the batch; ours always stays."""
    contenders, _ = load_contenders(("inplace_predict",))
    cell = measure(penguin, "16384", contenders, {}, Effort(0, 1, 1, slowest_call=0))
    assert list(cell.timings) == [OURS]
    assert "too long to repeat" in cell.skipped["inplace_predict"]


def test_a_contender_whose_package_is_missing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others race without it."""
    monkeypatch.delitem(sys.modules, "benchmarks.contenders.onnxruntime_session", raising=False)
    monkeypatch.setitem(sys.modules, "onnxmltools", None)
    found, missing = load_contenders(("inplace_predict", "onnxruntime_session"))
    assert list(found) == [OURS, "inplace_predict"]
    assert missing == {"onnxruntime_session": "package onnxmltools is not installed"}
