"""The whole way of a few cells: trained by the installed XGBoost, judged in another process, told."""

from pathlib import Path

import pytest
import xgboost

from contract.refusal import Refusal
from tests.matrix import __main__ as matrix
from tests.matrix.cells import Cell
from tests.matrix.environments import environment
from tests.matrix.judge import EQUAL, REFUSED, Outcome

INSTALLED = xgboost.__version__
COMPILES = Cell(INSTALLED, "gbtree", "binary:logistic", "named")
REFUSES = Cell(INSTALLED, "gblinear", "binary:logistic", "plain")
MISNAMED = Cell(INSTALLED, "gbtree", "binary:logistic", "plain", "linear-shotgun")


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the installed XGBoost alone, and a directory of the test."""
    monkeypatch.setattr(matrix, "MODELS", tmp_path / "matrix")
    monkeypatch.setattr("tests.matrix.environments.PLACE", tmp_path / "nothing is installed")
    monkeypatch.setattr(matrix, "SMALL", ())
    monkeypatch.setattr(matrix, "recorded_cells", list)


@pytest.mark.long
@pytest.mark.usefixtures("few")
def test_cells_are_trained_and_judged() -> None:
    """Each cell is trained and judged, and has the outcome of its kind."""
    jobs, untrained = matrix.trained({INSTALLED: environment(INSTALLED)}, [COMPILES, REFUSES])
    assert not untrained
    assert dict(matrix.judged_apart(jobs)) == {COMPILES: Outcome(EQUAL, ""), REFUSES: Outcome(REFUSED, "gblinear")}


@pytest.mark.long
@pytest.mark.usefixtures("few")
def test_a_third_outcome_is_told_and_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A third outcome is reported and refused, and the other cells are judged."""
    monkeypatch.setattr(matrix, "small_cells", lambda _: [REFUSES, MISNAMED])
    with pytest.raises(Refusal, match="found the third outcomes above"):
        matrix.main(small=True)
    said = capsys.readouterr().out
    assert f"third outcome: {INSTALLED} {MISNAMED.name}: refused for another reason" in said
    assert "2 models: 0 equal, 1 refused by name, 1 third outcomes" in said
    assert not (tmp_path / "nothing is installed").exists()
