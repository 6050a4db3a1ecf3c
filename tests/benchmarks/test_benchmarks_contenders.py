import numpy as np
import pytest

from benchmarks.contenders import inplace_predict, ours
from benchmarks.contenders.check import Wrong, check, xgboost_answers
from benchmarks.contenders.entry import Answers, Entry
from benchmarks.contenders.models import Model
from benchmarks.timed.cells import CONTENDERS, make_cell, prepare
from binding.library import Batch

NEEDED = {  # the module of each contender that only the lock of benchmarks has
    "onnxruntime_session": "onnxmltools",
    "lignum_interpreter": "lignum",
    "lignum_compiled": "lignum",
    "onedal": "daal4py",
    "timber_predictor": "timber",
}


@pytest.mark.long
@pytest.mark.parametrize("name", CONTENDERS)
@pytest.mark.parametrize("rows", [1, 16])
def test_a_contender_answers_like_xgboost(model: Model, rows: int, name: str) -> None:
    """A contender answers rows of inputs, one or many, with missing values among them; each call takes the next."""
    if name in NEEDED:
        pytest.importorskip(NEEDED[name], reason=f"needs {NEEDED[name]}: make .venv/.bench")
    ready = prepare(make_cell(model, rows), name)
    assert ready.seconds > 0
    if name == "timber_predictor" and ready.wrong:  # known: it rounds leaves and thresholds
        return
    assert not ready.wrong
    assert len({str(ready.call()) for _ in range(16)}) > 1


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


def test_a_contender_that_errs_is_not_timed(penguin: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong answer has no speed. If ours is wrong, the run ends."""
    entry = inplace_predict.prepare(penguin, 4)
    wrong = entry._replace(call=lambda rows: np.zeros((len(rows), 3), dtype=np.float32))
    for module in (inplace_predict, ours):
        monkeypatch.setattr(module, "prepare", lambda *_: wrong)
    assert "off by up to" in prepare(make_cell(penguin, 4), "inplace_predict").wrong
    with pytest.raises(Wrong, match="off by up to"):
        prepare(make_cell(penguin, 4), "ours")
