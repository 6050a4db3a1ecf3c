"""Models of every kind that XGBoost makes: read, or refused by name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from compile.reading.booster import read_model
from contract.reading import PENGUINS, read_contract
from contract.refusal import Refusal
from tests.compile.models import RANDOM, X, Y, edited, saved

CONTRACT = read_contract(PENGUINS)


@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_both_formats_are_read(tmp_path: Path, suffix: str) -> None:
    """JSON and UBJSON give the same model."""
    model = read_model(saved(tmp_path / f"model.{suffix}", {"objective": "binary:logistic", "max_depth": 3}))
    assert model.trees.count == 2
    assert model.trees.depth == 3
    assert len(model.trees.base_margins) == 1
    assert model.contract.features == tuple(f"feature_{i}" for i in range(5))
    assert model.contract.output.classes == ("0", "1")


def test_the_penguin_model_fits_its_contract(model_path: Path) -> None:
    """A model has the contract that is given, if it was trained on its features."""
    model = read_model(model_path, contract=CONTRACT)
    assert model.contract == CONTRACT
    assert len(model.trees.base_margins) == len(CONTRACT.output.classes)


@pytest.mark.parametrize(
    ("parameters", "matrix", "named"),
    [
        ({"booster": "gblinear", "updater": "coord_descent"}, {}, "the booster 'gblinear'"),
    ],
)
def test_what_cannot_be_exact_is_refused_by_name(
    tmp_path: Path, parameters: dict[str, Any], matrix: dict[str, Any], named: str
) -> None:
    """A model that cannot be exact is refused with file, reason and what is supported."""
    path = saved(tmp_path / "model.json", parameters, **matrix)
    with pytest.raises(Refusal, match=named) as refusal:
        read_model(path)
    assert str(path) in str(refusal.value)
    assert "supported are" in str(refusal.value)


def test_a_model_without_trees_is_refused(tmp_path: Path) -> None:
    """A model without trees is refused."""
    path = saved(tmp_path / "model.json", {"objective": "binary:logistic"}, rounds=0)
    with pytest.raises(Refusal, match="without trees"):
        read_model(path)


@pytest.mark.parametrize("data", [b"", b"{}", b"{", b"[]", b"\x00" * 100, b"not a model", b'{"learner": 3}'])
def test_a_foreign_file_is_refused(tmp_path: Path, data: bytes) -> None:
    """A foreign file is refused with one line that names it."""
    path = tmp_path / "model.json"
    path.write_bytes(data)
    with pytest.raises(Refusal) as refusal:
        read_model(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_model_cut_anywhere_is_refused(tmp_path: Path, model_path: Path) -> None:
    """A model cut at any of six lengths is refused."""
    data = model_path.read_bytes()
    path = tmp_path / "model.json"
    for length in range(0, len(data) - 1, len(data) // 5):
        path.write_bytes(data[:length])
        with pytest.raises(Refusal):
            read_model(path)


def test_pruned_nodes_do_not_count(tmp_path: Path) -> None:
    """A model's size counts only the nodes that are walked."""
    path = saved(tmp_path / "model.json", {"tree_method": "exact", "gamma": 1.0, "max_depth": 6}, rounds=5)
    model = read_model(path)
    trees = model.document["learner"]["gradient_booster"]["model"]["trees"]
    assert any(int(tree["tree_param"]["num_deleted"]) for tree in trees)
    assert model.trees.nodes == sum(len(xgboost_nodes) for xgboost_nodes in dumped_nodes(model.booster))


def dumped_nodes(booster: xgboost.Booster) -> list[list[str]]:
    """Return XGBoost's own text of each tree, a line for each node."""
    return [text.strip().splitlines() for text in booster.get_dump()]


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [("left_children", 0, "links"), ("right_children", 10_000, "links"), ("split_indices", 77, "feature")],
)
def test_links_that_lead_astray_are_refused(tmp_path: Path, name: str, value: int, named: str) -> None:
    """A loop, a link out of the tree or a feature out of the model is refused."""

    def edit(document: dict[str, Any]) -> None:
        document["learner"]["gradient_booster"]["model"]["trees"][0][name][0] = value

    path = edited(saved(tmp_path / "model.json"), edit)
    with pytest.raises(Refusal, match=named):
        read_model(path)


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("tree_info", [0, 1], "an output that the model does not have"),
        ("tree_info", [0, -1], "tree_info"),
        ("iteration_indptr", [0, 1], "rounds"),
        ("iteration_indptr", [0, 2, 1, 2], "rounds"),
    ],
)
def test_rounds_and_outputs_that_are_none_are_refused(tmp_path: Path, key: str, value: Any, named: str) -> None:
    """Faulty rounds or outputs are refused, because XGBoost would read beyond its sums."""

    def edit(document: dict[str, Any]) -> None:
        document["learner"]["gradient_booster"]["model"][key] = value

    path = edited(saved(tmp_path / "model.json"), edit)
    with pytest.raises(Refusal, match=named):
        read_model(path)


def test_an_infinite_leaf_that_training_made_is_refused_by_name(tmp_path: Path) -> None:
    """A model with an infinite leaf is refused by name."""

    def objective(margins: Any, matrix: xgboost.DMatrix) -> tuple[Any, Any]:
        gradient = margins - matrix.get_label()
        gradient[::7] = -np.inf
        return gradient, np.ones_like(gradient)

    path = tmp_path / "model.ubj"
    parameters = {"base_score": 0.5, "max_depth": 2}
    xgboost.train(parameters, xgboost.DMatrix(X, Y), 2, obj=objective).save_model(path)
    with pytest.raises(Refusal, match="tree 0 has a leaf of inf at node 0"):
        read_model(path)


def test_an_infinite_threshold_that_training_made_is_refused_by_name(tmp_path: Path) -> None:
    """A model with an infinite threshold is refused, and --missing is named."""
    data = X.copy()
    data[:100, 0] = np.nan
    data[100:, 0] = 3e38
    path = saved(tmp_path / "model.json", data=data, label=np.arange(200) < 100)
    with pytest.raises(Refusal, match="has a threshold of inf"):
        read_model(path)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.parametrize(("kind", "node"), [("threshold", 0), ("leaf", -1)])
def test_a_value_that_is_no_number_is_refused_by_name(tmp_path: Path, value: float, kind: str, node: int) -> None:
    """A value that is not a number is refused by its place."""

    def edit(document: dict[str, Any]) -> None:
        tree = document["learner"]["gradient_booster"]["model"]["trees"][1]
        assert tree["left_children"][-1] == -1
        tree["split_conditions"][node] = value

    path = edited(saved(tmp_path / "model.json"), edit)
    with pytest.raises(Refusal, match=f"tree 1 has a {kind} of {value}"):
        read_model(path)


@pytest.mark.parametrize("base", ["[NaN]", "NaN", "Infinity", "2E0", "-1E0", "", "[]", "[5E-1,5E-1]"])
def test_a_base_score_that_gives_no_margin_is_refused(tmp_path: Path, base: str) -> None:
    """A base score that gives no margin is refused in one line."""

    def edit(document: dict[str, Any]) -> None:
        document["learner"]["learner_model_param"]["base_score"] = base

    path = edited(saved(tmp_path / "model.json"), edit)
    with pytest.raises(Refusal, match=r"model\.json") as refusal:
        read_model(path)
    assert "\n" not in str(refusal.value)


def test_leaves_that_overflow_together_are_refused(tmp_path: Path) -> None:
    """Leaves whose sum overflows are refused."""

    def edit(document: dict[str, Any]) -> None:
        for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
            leaves = zip(tree["left_children"], tree["split_conditions"], strict=True)
            tree["split_conditions"] = [3e38 if left == -1 else value for left, value in leaves]

    path = edited(saved(tmp_path / "model.json"), edit)
    with pytest.raises(Refusal, match="more than a float32 holds"):
        read_model(path)


def test_a_model_without_names_is_the_contract_s_by_count(tmp_path: Path) -> None:
    """A model without names is read by its number of features, and a notice says so."""
    data = RANDOM.random((60, len(CONTRACT.features)))
    parameters = {"objective": "multi:softprob", "num_class": len(CONTRACT.output.classes)}
    path = saved(tmp_path / "model.json", parameters, data=data, label=RANDOM.integers(0, 3, 60))
    model = read_model(path, contract=CONTRACT)
    assert model.contract == CONTRACT
    assert "the model names no features" in model.notices[0]


def test_a_file_of_an_older_xgboost_is_told(tmp_path: Path) -> None:
    """A file of an older XGBoost gives a notice: the installed one is the judge."""

    def edit(document: dict[str, Any]) -> None:
        document["version"] = [2, 1, 4]

    (notice,) = read_model(edited(saved(tmp_path / "model.json"), edit)).notices
    assert "written by XGBoost 2.1.4" in notice
    assert xgboost.__version__ in notice
    assert read_model(saved(tmp_path / "new.json")).notices == ()
