"""Blocks of rows: whatever their number, and however many thresholds a feature has, they equal XGBoost's answers."""

from pathlib import Path

import numpy as np
import pytest
import xgboost

from binding.library import Library
from compile.data.layout import read_trees
from compile.data.planes import Planes
from compile.reading.booster import CompilableModel, read_model
from contract.manifest import Tuning
from tests.compile.models import saved
from tests.support.libraries import built

BLOCKS = Tuning("walk", 1, {})  # every number of rows is a block
NUMBERS = (1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 187, 255, 256, 257, 448, 511, 512, 513, 530)
VALUES = (8, 60, 400)  # distinct ones of each feature: few thresholds, some, and more than bytes can count
LONG = pytest.mark.long


def _model(path: Path, depth: int) -> tuple[CompilableModel, xgboost.Booster]:
    """Return a model of features with VALUES, of which one in ten is missing."""
    random = np.random.default_rng(3)
    rows = np.column_stack([random.integers(0, count, 4_000) for count in VALUES]).astype(np.float32)
    labels = random.normal(size=len(rows))
    rows[random.random(rows.shape) < 0.1] = np.nan
    fitted = {"tree_method": "exact", "min_child_weight": 0, "eta": 0.5, "max_depth": depth}
    saved(path, fitted, 1500 if depth == 1 else 60, data=rows, label=labels)
    return read_model(path), xgboost.Booster(model_file=path)


@pytest.mark.parametrize("depth", [pytest.param(1, marks=LONG), 6, pytest.param(8, marks=LONG)])
def test_every_number_of_rows_in_a_block(tmp_path: Path, depth: int) -> None:
    """Each row of a part of a block, on every instruction set, has the margin that XGBoost gives, bit for bit."""
    model, booster = _model(tmp_path / "model.json", depth)
    counts = [len(column.comparisons) for column in Planes.of(read_trees(model.document)).columns]
    if depth > 1:  # stumps repeat few thresholds; of the others, each way to compute planes is taken
        assert min(counts) < 24 < 255 < max(counts)
        assert any(48 < count <= 255 for count in counts)
    library = Library(built(model, tmp_path / "source", BLOCKS))
    random = np.random.default_rng(4)
    rows = (random.integers(-2, 2 * max(VALUES), (max(NUMBERS), 3)) / 2).astype(np.float32)
    rows[random.random(rows.shape) < 0.2] = np.nan
    expected = booster.inplace_predict(rows, predict_type="margin").tobytes()
    for instruction_set in range(library.instruction_sets):
        for number in NUMBERS:
            found = library.predict_feature_rows(rows[:number].tobytes(), 0, number, instruction_set).margins
            assert bytes(found) == expected[: 4 * number], (instruction_set, number)
