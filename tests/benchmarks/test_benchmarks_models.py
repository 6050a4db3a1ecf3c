import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks.contenders.compiled import compiled
from benchmarks.contenders.models import Model, load_model
from contract.refusal import Refusal


def test_fresh_rows_are_like_the_training_data(model: Model) -> None:
    """Rows are equal on every run, and have as many missing values as the model knows."""
    rows = model.draw(2_000)
    assert rows.tobytes() == model.draw(2_000).tobytes()
    assert np.isnan(rows).mean() == pytest.approx(model.missing, abs=0.01)
    assert len(np.unique(model.booster.inplace_predict(model.features(rows), validate_features=False))) > 10


def test_a_penguin_model_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The refusal names the command that makes the model."""
    with pytest.raises(Refusal, match="make compile"):
        load_model("penguin", tmp_path)


def test_a_bundle_is_made_again_if_something_changed(
    binary: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of a bundle has a digest of all that it is made from."""
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0))
    copy = tmp_path / "model.json"
    copy.write_bytes(binary.path.read_bytes())
    assert compiled(copy).name == compiled(binary.path).name
    copy.write_bytes(copy.read_bytes() + b" ")
    assert compiled(copy).name != compiled(binary.path).name


def test_a_model_that_cannot_be_compiled_is_refused(tmp_path: Path) -> None:
    """The refusal has the compiler's own words."""
    path = tmp_path / "model.json"
    path.write_text("{}")
    with pytest.raises(Refusal, match="cannot compile"):
        compiled(path)
