"""Rows that are answered by ranks: on every instruction set of this processor they equal XGBoost's answers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from binding.library import Library
from compile.certification import probes
from compile.certification.parity import certify
from compile.data.layout import read_trees
from compile.data.ranks import MOST_IN_COLUMN, Ranks
from compile.reading.booster import CompilableModel, read_model
from contract.refusal import Refusal
from tests.compile.models import saved
from tests.support.libraries import RANKS, built

ROWS = 2_000
DRAWN = np.random.default_rng(7)


def _wide(features: int) -> dict[str, Any]:
    """Return rows whose labels depend on all features, of which one value in ten is missing."""
    rows = DRAWN.normal(size=(ROWS, features)).astype(np.float32)
    labels = (np.sin(3 * rows).sum(axis=1) > 0).astype(int)
    rows[DRAWN.random(rows.shape) < 0.1] = np.nan
    return {"data": rows, "label": labels}


NOISE = {"objective": "reg:squarederror", "min_child_weight": 0}


def _noise() -> dict[str, Any]:
    """Return two features and labels that do not depend on them: trees split anywhere."""
    return {**_wide(2), "label": DRAWN.normal(size=ROWS)}


CASES: dict[str, tuple[dict[str, Any], int, dict[str, Any]]] = {
    "stumps": ({"objective": "multi:softprob", "num_class": 3, "max_depth": 1}, 30, {}),
    "two levels, forests": ({"max_depth": 2, "num_parallel_tree": 3, "objective": "binary:logistic"}, 11, {}),
    "three levels, missing values": ({"max_depth": 3}, 40, _wide(9)),
    "four levels, many thresholds": ({**NOISE, "max_depth": 4, "tree_method": "exact", "eta": 0.5}, 150, _noise()),
    "five levels, dart": ({"booster": "dart", "rate_drop": 0.3, "max_depth": 5}, 20, _wide(17)),
    "six levels, 40 features": ({"max_depth": 6}, 60, _wide(40)),
    "seven levels": ({"max_depth": 7}, 33, _wide(20)),
    "eight levels, 60 features": ({"max_depth": 8, "min_child_weight": 0}, 40, _wide(60)),
}


def _model(path: Path, case: str) -> CompilableModel:
    parameters, rounds, matrix = CASES[case]
    if matrix:
        parameters = {"objective": "binary:logistic", **parameters}
    elif "num_class" in parameters:
        matrix = {"label": np.arange(200) % 3}
    return read_model(saved(path / "model.json", parameters, rounds, **matrix))


def _ranks(model: CompilableModel) -> Ranks | None:
    return Ranks.of(read_trees(model.document))


def test_ranks_answer_as_xgboost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row, a few, and what is left after blocks are answered by ranks, bit for bit."""
    _certify(_model(tmp_path, "six levels, 40 features"), tmp_path, monkeypatch)


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_ranks_of_every_shape_answer_as_xgboost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """So are models of every depth, with missing values on both sides, and with look-ups in one table, two and four."""
    _certify(_model(tmp_path, case), tmp_path, monkeypatch)


def _certify(model: CompilableModel, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "RANDOM_ROWS", 4_000)
    parity = certify(Library(built(model, path / "source", RANKS)), model, None)
    assert parity.rows["random"] == 4_000


@pytest.mark.long
def test_the_shapes_of_the_cases(tmp_path: Path) -> None:
    """The cases have columns for one table, two and four, and one with more thresholds than a byte counts."""
    tables = set()
    split = False
    for case in CASES:
        ranks = _ranks(_model(tmp_path, case))
        assert ranks
        tables.add(-(-len(ranks.columns) // 32))
        features = [column[:2] for column in ranks.columns]
        split |= len(set(features)) < len(features)
        assert all(len(column.thresholds) <= MOST_IN_COLUMN for column in ranks.columns)
    assert {1, 2, 4} <= tables
    assert split


@pytest.mark.long
def test_other_trees_are_walked(tmp_path: Path) -> None:
    """Trees that are too deep or too sparse, or that split on too many columns, do not suit ranks."""
    deep = {"objective": "binary:logistic", "max_depth": 9, "min_child_weight": 0}
    sparse = {"objective": "binary:logistic", "max_depth": 8, "max_leaves": 9, "grow_policy": "lossguide"}
    for parameters, matrix in ((deep, _wide(5)), (sparse, _wide(5)), ({"objective": "binary:logistic"}, _wide(150))):
        model = read_model(saved(tmp_path / "model.json", parameters, 40, **matrix))
        assert _ranks(model) is None


def test_ranks_are_refused_where_they_do_not_suit(tmp_path: Path) -> None:
    """A model that is pinned to ranks and does not suit them is refused, and the error says what to choose."""
    deep = {"objective": "binary:logistic", "max_depth": 9, "min_child_weight": 0}
    model = read_model(saved(tmp_path / "model.json", deep, 3, **_wide(5)))
    with pytest.raises(Refusal, match="choose --one-row walk"):
        built(model, tmp_path / "source", RANKS)


@pytest.mark.long
@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("ranks.c", "> record[RECORD_HEAD / 2 + node]", ">= record[RECORD_HEAD / 2 + node]"),
        ("ranks.c", "value = INFINITY", "value = 0"),
        ("ranks.c", "16 * rank_of_16", "15 * rank_of_16"),
        ("thresholds.h", "_CMP_GE_OQ", "_CMP_GT_OQ"),
    ],
)
def test_a_mistake_in_ranks_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, right: str, wrong: str
) -> None:
    """The parity check refuses a library whose C errs."""
    monkeypatch.setattr(probes, "RANDOM_ROWS", 4_000)
    monkeypatch.setattr("compile.build.OPTIMIZED", "-O1")
    model = _model(tmp_path, "four levels, many thresholds")

    def edit(directory: Path) -> None:
        text = (directory / file).read_text()
        assert right in text
        (directory / file).write_text(text.replace(right, wrong))

    with pytest.raises(Refusal, match="differs from XGBoost"):
        certify(Library(built(model, tmp_path / "source", RANKS, edit)), model, None)
