"""What a wide model costs: the rows that it is asked are bounded in number, and held a block at a time."""

import re
from pathlib import Path

import numpy as np
import pytest

from binding.library import Library
from compile.certification.parity import certify
from compile.certification.probes import CELLS, RANDOM_CELLS, feature_probes, random_inputs, special_inputs
from compile.reading.booster import CompilableModel, read_model
from compile.source import write_source
from tests.compile.models import saved
from tests.support.libraries import WALK, built

FEATURES = 3_000


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> CompilableModel:
    """Train a few small trees over thousands of features."""
    random = np.random.default_rng(0)
    data = random.random((100, FEATURES), dtype=np.float32)
    path = tmp_path_factory.mktemp("wide") / "model.ubj"
    return read_model(saved(path, {"max_depth": 2}, 10, data=data, label=data[:, ::300].sum(axis=1)))


def test_rows_of_a_wide_model_are_bounded(wide: CompilableModel) -> None:
    """Blocks and random rows of a wide model stay within their bounds."""
    for rows, most in (
        (feature_probes(wide), RANDOM_CELLS),
        (random_inputs(wide), RANDOM_CELLS),
        (special_inputs(wide), RANDOM_CELLS),
    ):
        sizes = [block.size for block in rows]
        assert max(sizes) <= CELLS
        assert 0 < sum(sizes) <= most


def test_the_c_does_not_grow_with_the_features(wide: CompilableModel, tmp_path: Path) -> None:
    """The C of a wide model does not grow with its features."""
    write_source(wide, tmp_path, with_tl2cgen=False)
    header = (tmp_path / "model.h").read_text()
    assert re.search(rf"FEATURE_COUNT {FEATURES}\b", header)
    assert len(header) < 10_000


def test_a_wide_model_equals_xgboost(wide: CompilableModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wide model equals XGBoost through every entry."""
    monkeypatch.setattr("compile.build.OPTIMIZED", "-O1")
    monkeypatch.setattr("compile.certification.probes.RANDOM_ROWS", 600)
    parity = certify(Library(built(wide, tmp_path, WALK)), wide, None)
    assert parity.rows["random"] == 600
    assert parity.wrapped == sum(parity.rows.values())
