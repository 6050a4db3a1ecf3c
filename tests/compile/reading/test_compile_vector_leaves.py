"""Trees whose leaves are vectors, as trees of one number: XGBoost itself reads these and answers the same."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st

from compile.reading.booster import read_model
from compile.reading.ubjson import read_ubjson
from compile.reading.vector_leaves import has_vectors, misfit, split
from contract.refusal import Refusal
from tests.compile.models import X, edited, saved

pytestmark = pytest.mark.long

VECTORS = {"multi_strategy": "multi_output_tree", "tree_method": "hist"}
RANDOM = np.random.default_rng(11)


def grown(targets: int = 3, rounds: int = 4, **more: Any) -> xgboost.Booster:
    """Train trees with a vector of `targets` numbers in each leaf."""
    label = X[:, :targets] + RANDOM.normal(size=(len(X), targets)) / 9
    return xgboost.train({**VECTORS, "max_depth": 3, **more}, xgboost.DMatrix(X, label), rounds)


def document(booster: xgboost.Booster) -> dict[str, Any]:
    content: dict[str, Any] = read_ubjson(bytes(booster.save_raw("ubj")))
    return content


@given(st.integers(2, 5), st.integers(1, 3), st.integers(1, 3), st.integers(0, 5))
def test_xgboost_answers_the_same_with_the_trees_of_one_number(
    targets: int, rounds: int, forest: int, depth: int
) -> None:
    """The split document is a model that XGBoost reads, and its margins are equal bit for bit."""
    booster = grown(targets, rounds, num_parallel_tree=forest, max_depth=depth, subsample=0.7)
    content = document(booster)
    assert has_vectors(content["learner"])
    assert misfit(content["learner"]) is None
    scalar = split(content)
    assert not has_vectors(scalar["learner"])
    again = xgboost.Booster()
    again.load_model(bytearray(json.dumps(scalar, default=np.ndarray.tolist).encode()))
    assert again.num_boosted_rounds() == rounds
    matrix = xgboost.DMatrix(X)
    expected, found = (each.predict(matrix, output_margin=True) for each in (booster, again))
    assert expected.tobytes() == found.tobytes()


def test_other_trees_have_no_vectors() -> None:
    """One tree for each target has no vectors."""
    booster = xgboost.train({}, xgboost.DMatrix(X, X[:, :2]), 2)
    assert not has_vectors(document(booster)["learner"])


Change = Callable[[dict[str, Any]], None]


def link(tree: dict[str, Any], to: int) -> None:
    """Lead the first leaf to another vector."""
    tree["right_children"] = np.where(tree["left_children"] == -1, to, tree["right_children"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda tree: tree["tree_param"].update(size_leaf_vector="2"), "leaves of 2 numbers .* has 3 outputs"),
        (lambda tree: tree.update(leaf_weights=tree["leaf_weights"][:-1]), "leaves of 3 numbers"),
        (lambda tree: tree.pop("leaf_weights"), "do not lead to its leaves"),
        (lambda tree: link(tree, -1), "do not lead to its leaves"),
        (lambda tree: link(tree, len(tree["leaf_weights"]) // 3), "do not lead to its leaves"),
        (lambda tree: tree.update(right_children=tree["right_children"][:-1]), "do not lead to its leaves"),
        (lambda tree: tree.update(split_conditions=tree["split_conditions"][:-1]), "do not make a tree"),
    ],
)
def test_vectors_that_do_not_fit_are_named(change: Change, told: str) -> None:
    """What does not fit is named with the number of its tree, before anything is read with it."""
    content = document(grown())
    change(content["learner"]["gradient_booster"]["model"]["trees"][2])
    assert re.match(f"tree 2 has .*{told}", str(misfit(content["learner"])))


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_number_in_a_vector_that_is_not_finite_is_refused(tmp_path: Path, value: float) -> None:
    """A number of a vector that is not finite is refused by its place, as other leaves are."""
    path = saved(tmp_path / "model.json", VECTORS, label=X[:, :2])

    def change(document: dict[str, Any]) -> None:
        document["learner"]["gradient_booster"]["model"]["trees"][1]["leaf_weights"][-1] = value

    with pytest.raises(Refusal, match=rf"tree 3 has a leaf of {value}"):
        read_model(edited(path, change))
