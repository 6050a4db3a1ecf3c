"""The generator, run by the XGBoost that is installed."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xgboost

from tests.matrix.data import ASKED, COLUMNS, labels, questions, table
from tests.matrix.environments import ROOT

NAMES = ["gbtree.multi-softprob.missing", "situation.wrapper-binary-stopped", "situation.wrapper-number-is-missing"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what the generator wrote for NAMES."""
    directory = tmp_path_factory.mktemp("generated") / "models"
    command = [sys.executable, "-m", "tests.matrix.generate", str(directory)]
    subprocess.run(command, input=json.dumps(NAMES), text=True, cwd=ROOT, check=True, capture_output=True)
    return directory


def test_every_cell_leaves_both_formats_and_answers(directory: Path) -> None:
    """Every cell has both formats and the answers."""
    expected = {f"{name}.{ending}" for name in NAMES for ending in ("json", "ubj", "npz")}
    assert {path.name for path in directory.iterdir()} == {*expected, "left.json"}
    assert json.loads((directory / "left.json").read_bytes()) == {}


def test_the_answers_are_those_of_the_file(directory: Path) -> None:
    """The recorded margins are those of the saved file."""
    answers = np.load(directory / f"{NAMES[0]}.npz")
    booster = xgboost.Booster(model_file=directory / f"{NAMES[0]}.ubj")
    margins = booster.predict(xgboost.DMatrix(answers["rows"]), output_margin=True)
    assert np.array_equal(margins, answers["margins"])
    assert answers["margins"].shape == (ASKED, 4)


def test_a_stopped_wrapper_records_the_best_rounds_and_all(directory: Path) -> None:
    """A stopped wrapper has answers of its best rounds and of all rounds, which differ."""
    answers = np.load(directory / f"{NAMES[1]}.npz")
    assert not np.array_equal(answers["margins"], answers["all_margins"])
    assert np.array_equal(answers["values"], answers["wrapper_shares"][:, 1])
    assert set(answers["wrapper_predicted"]) <= set(answers["wrapper_classes"])


def test_a_number_that_means_missing_stands_in_the_rows(directory: Path) -> None:
    """The rows have the number that means missing."""
    answers = np.load(directory / f"{NAMES[2]}.npz")
    assert answers["missing"] == -999
    assert (answers["rows"] == -999).any()
    assert not np.isnan(answers["rows"]).any()


def test_the_data_is_the_same_every_time() -> None:
    """The data is the same every time, for every XGBoost."""
    assert np.array_equal(table("missing")[0], table("missing")[0], equal_nan=True)
    assert np.array_equal(questions("one-hot"), questions("one-hot"), equal_nan=True)
    assert np.isnan(table("missing")[0]).mean() > 0.1
    assert not np.isnan(table("plain")[0]).any()


def test_every_class_and_every_category_is_there() -> None:
    """The data has every class and every category."""
    rows, signal = table("partitions")
    assert set(labels("classes", signal)) == {0, 1, 2, 3}
    assert set(rows[~np.isnan(rows[:, 0]), 0]) == set(range(8))
    assert questions("plain").shape == (ASKED, COLUMNS)
