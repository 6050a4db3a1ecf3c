"""The files that training leaves beside a model: used if they describe it, and else left aside."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from compile.beside import TRAINING_ROWS_FILE, Beside, read_beside
from compile.reading.booster import CompilableModel
from contract.manifest import TRAINING_FILE, Digest
from contract.refusal import Refusal
from contract.training import HOLDOUT_FILE
from contract.uncertainty import UNCERTAINTY_FILE

FILES = (TRAINING_FILE, UNCERTAINTY_FILE, TRAINING_ROWS_FILE)


@pytest.fixture
def beside(artifacts: Path, tmp_path: Path, model: CompilableModel) -> Callable[[], Beside]:
    """Copy what training wrote, to be changed, and read it."""
    for name in FILES:
        shutil.copy(artifacts / name, tmp_path)
    return lambda: read_beside(tmp_path / "penguin_model.json", model)


def test_what_describes_the_model_is_used(
    beside: Callable[[], Beside], tmp_path: Path, model: CompilableModel, artifacts: Path
) -> None:
    """Files of this model go into the bundle with their bytes, and rows into the certificate."""
    holdout = {"rows_sha256": "0" * 64, "target": "species", "rows": 9, "figures": {"accuracy": 0.9}}
    holdout["model_sha256"] = Digest.of(model.data).sha256
    (tmp_path / HOLDOUT_FILE).write_text(json.dumps(holdout))
    found = beside()
    assert found.notices == ()
    assert set(found.files) == {TRAINING_FILE, UNCERTAINTY_FILE, HOLDOUT_FILE}
    assert all(data == (tmp_path / name).read_bytes() for name, data in found.files.items())
    assert found.uncertainty == model.uncertainty
    rows = np.loadtxt(artifacts / TRAINING_ROWS_FILE, delimiter=",", skiprows=1, usecols=range(4), dtype=np.float32)
    assert found.rows is not None
    assert np.array_equal(found.rows, rows)


def test_nothing_beside_the_model_is_nothing(tmp_path: Path, model: CompilableModel) -> None:
    """A model may be alone."""
    assert read_beside(tmp_path / "model.json", model) == Beside()


@pytest.mark.parametrize("other", [b"{}", b"\xff", b'{"model_sha256": 7}', b"[" * 10_000, b'{"model_sha256": "0"}'])
@pytest.mark.parametrize("name", [TRAINING_FILE, UNCERTAINTY_FILE, HOLDOUT_FILE])
def test_what_describes_another_model_is_left_aside(
    beside: Callable[[], Beside], tmp_path: Path, name: str, other: bytes
) -> None:
    """A file that does not describe this model is left aside with a note that names it."""
    (tmp_path / name).write_bytes(other)
    found = beside()
    assert name not in found.files
    assert f"{tmp_path / name} is left aside: expected model_sha256" in found.notices[0]
    assert (found.rows is None) == (name == TRAINING_FILE)
    assert len(found.notices) == (2 if name == TRAINING_FILE else 1)


@pytest.mark.parametrize("name", [TRAINING_FILE, UNCERTAINTY_FILE, HOLDOUT_FILE])
def test_a_malformed_file_of_this_model_is_refused(
    beside: Callable[[], Beside], tmp_path: Path, name: str, model: CompilableModel
) -> None:
    """A file that describes this model and is malformed is refused by name."""
    (tmp_path / name).write_text(json.dumps({"model_sha256": Digest.of(model.data).sha256}))
    with pytest.raises(Refusal, match=name):
        beside()


def test_an_uncertainty_of_another_shape_is_refused(beside: Callable[[], Beside], tmp_path: Path) -> None:
    """An uncertainty of this model that does not fit its contract is refused."""
    path = tmp_path / UNCERTAINTY_FILE
    path.write_bytes(path.read_bytes().replace(b'"Gentoo": {', b'"Emperor": {'))
    with pytest.raises(Refusal, match=r"reference\.json: expected gaussians of .*found Emperor.*or remove it"):
        beside()


def test_rows_that_are_none_are_refused(beside: Callable[[], Beside], tmp_path: Path) -> None:
    """Rows without an input's column, or with text instead of a number, are refused. An empty cell is missing."""
    path = tmp_path / TRAINING_ROWS_FILE
    header, first, *_ = path.read_text().splitlines()
    path.write_text(f"{header}\n,{first.partition(',')[2]}\n")
    rows = beside().rows
    assert rows is not None
    assert np.isnan(rows[0]).tolist() == [True, False, False, False]
    for text in (f"{header}\nlong,{first.partition(',')[2]}\n", path.read_text().replace("bill_length_mm", "beak")):
        path.write_text(text)
        with pytest.raises(Refusal, match=r"training_rows\.csv: expected rows of the contract's inputs"):
            beside()
