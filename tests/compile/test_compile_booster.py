"""Models of every kind that XGBoost makes: read, or refused by name."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from compile.booster import read_model
from contract.manifest import CONTRACT
from contract.refusal import Refusal

random = np.random.default_rng(0)
X = random.random((200, 5), dtype=np.float32)
Y = random.integers(0, 2, 200)


def saved(path: Path, parameters: dict[str, Any], rounds: int = 2, **matrix: Any) -> Path:
    data = {"data": X, "label": Y, **matrix}
    xgboost.train(parameters, xgboost.DMatrix(**data), rounds).save_model(path)
    return path


@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_both_formats_are_read(tmp_path: Path, suffix: str) -> None:
    """JSON and UBJSON give the same model."""
    model = read_model(saved(tmp_path / f"model.{suffix}", {"objective": "binary:logistic", "max_depth": 3}))
    assert model.trees.count == 2
    assert model.trees.depth == 3
    assert len(model.trees.base_margins) == 1
    assert model.interface.features == tuple(f"feature_{i}" for i in range(5))
    assert model.interface.classes == ("0", "1")


def test_the_penguin_model_has_the_contract_s_interface(model_path: Path) -> None:
    """Ratios are derived only for a model that was trained on them."""
    model = read_model(model_path)
    assert model.interface == CONTRACT
    assert len(model.trees.base_margins) == len(CONTRACT.classes)


@pytest.mark.parametrize(
    ("parameters", "matrix", "named"),
    [
        ({"booster": "gblinear", "updater": "coord_descent"}, {}, "the booster 'gblinear'"),
        ({"booster": "dart"}, {}, "the booster 'dart'"),
        ({"objective": "rank:pairwise"}, {}, "the objective 'rank:pairwise'"),
        ({"objective": "count:poisson"}, {}, "the objective 'count:poisson'"),
        (
            {"multi_strategy": "multi_output_tree", "tree_method": "hist"},
            {"label": np.column_stack([Y, Y])},
            "a model with several targets",
        ),
        (
            {"tree_method": "hist", "max_cat_to_onehot": 1},
            {
                "data": random.integers(0, 9, (200, 5)).astype(np.float32),
                "feature_types": ["c"] * 5,
                "enable_categorical": True,
            },
            "categorical splits",
        ),
    ],
)
def test_what_cannot_be_exact_is_refused_by_name(
    tmp_path: Path, parameters: dict[str, Any], matrix: dict[str, Any], named: str
) -> None:
    """The refusal names the file, the reason, and what is supported."""
    path = saved(tmp_path / "model.json", parameters, **matrix)
    with pytest.raises(Refusal, match=named) as refusal:
        read_model(path)
    assert str(path) in str(refusal.value)
    assert "supported are" in str(refusal.value)


def test_a_model_without_trees_is_refused(tmp_path: Path) -> None:
    """There is nothing to compile."""
    path = saved(tmp_path / "model.json", {"objective": "binary:logistic"}, rounds=0)
    with pytest.raises(Refusal, match="without trees"):
        read_model(path)


@pytest.mark.parametrize("data", [b"", b"{}", b"{", b"[]", b"\x00" * 100, b"not a model", b'{"learner": 3}'])
def test_a_foreign_file_is_refused(tmp_path: Path, data: bytes) -> None:
    """One line that names the file; never a traceback."""
    path = tmp_path / "model.json"
    path.write_bytes(data)
    with pytest.raises(Refusal) as refusal:
        read_model(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_model_cut_anywhere_is_refused(tmp_path: Path, model_path: Path) -> None:
    """Six lengths of a truncated file: each is refused, none crashes or passes."""
    data = model_path.read_bytes()
    path = tmp_path / "model.json"
    for length in range(0, len(data) - 1, len(data) // 5):
        path.write_bytes(data[:length])
        with pytest.raises(Refusal):
            read_model(path)


def test_pruned_nodes_do_not_count(tmp_path: Path) -> None:
    """Pruning leaves dead nodes in the file; the model's size is that of the trees that are walked."""
    path = saved(tmp_path / "model.json", {"tree_method": "exact", "gamma": 1.0, "max_depth": 6}, rounds=5)
    model = read_model(path)
    trees = model.document["learner"]["gradient_booster"]["model"]["trees"]
    assert any(int(tree["tree_param"]["num_deleted"]) for tree in trees)
    assert model.trees.nodes == sum(len(xgboost_nodes) for xgboost_nodes in dumped_nodes(model.booster))


def dumped_nodes(booster: xgboost.Booster) -> list[list[str]]:
    """XGBoost's own text of each tree, a line a node."""
    return [text.strip().splitlines() for text in booster.get_dump()]


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [("left_children", 0, "links"), ("right_children", 10_000, "links"), ("split_indices", 77, "feature")],
)
def test_links_that_lead_astray_are_refused(tmp_path: Path, name: str, value: int, named: str) -> None:
    """A loop, a link out of the tree, a feature out of the model: XGBoost would follow them."""
    path = saved(tmp_path / "model.json", {"objective": "binary:logistic"})
    document = json.loads(path.read_bytes())
    document["learner"]["gradient_booster"]["model"]["trees"][0][name][0] = value
    path.write_text(json.dumps(document))
    with pytest.raises(Refusal, match=named):
        read_model(path)
