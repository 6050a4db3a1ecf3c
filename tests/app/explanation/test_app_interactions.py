"""SHAP interaction values: equal to XGBoost's and to their definition, for models of every kind."""

from itertools import combinations
from math import factorial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from app.explanation.contributions import Contributions
from app.explanation.interactions import Interactions, Matrix
from app.explanation.paths import Paths, TooMuchWork, count_leaves
from app.explanation.quadrature import rule
from compile.forest import forest_file
from compile.reading.booster import read_model
from contract.trees import Forest, Tree
from tests.compile.categories import Grown

SEEDS = st.integers(0, 1 << 32)
STEPS = 2.0**-17  # of XGBoost's float32 sums, relative to the largest interaction: 64 float32 steps
PARTITION = {"max_cat_to_onehot": 1}
CASES = {
    "two classes": Grown((0,) * 5, {"max_depth": 6, "base_score": 0.2}),
    "classes": Grown((0,) * 4, {"objective": "multi:softprob", "num_class": 3, "max_depth": 5}),
    "no missing values": Grown((0,) * 4, {"max_depth": 5}, missing=0.0),
    "categories": Grown((12, 0, 5), {**PARTITION, "max_depth": 6}),
    "one category": Grown((12, 0, 5), {"max_cat_to_onehot": 1_000, "max_depth": 6}),
    "dropped trees": Grown((0,) * 4, {"booster": "dart", "rate_drop": 0.5, "max_depth": 4}, rounds=8),
    "forest": Grown((0,) * 4, {"num_parallel_tree": 4, "subsample": 0.6, "max_depth": 4}),
    "targets": Grown((0,) * 4, {"objective": "reg:squarederror", "base_score": 7.5}, targets=2),
    "deep": Grown((0,) * 8, {"objective": "reg:squarederror", "max_depth": 14, "eta": 0.7}),
    "stumps": Grown((0,) * 4, {"objective": "multi:softprob", "num_class": 3, "max_depth": 1}),
}


class Model(NamedTuple):
    """A model, its trees, and what they say."""

    grown: Grown
    booster: xgboost.Booster
    forest: Forest

    def row(self, seed: int) -> list[float]:
        row: list[float] = self.grown.rows(1, seed)[0].tolist()
        return row

    @property
    def features(self) -> int:
        return len(self.grown.counts)


def model_of(grown: Grown, path: Path) -> Model:
    read = read_model(grown._replace(parameters={**grown.parameters, "nthread": 1}).saved(path))
    return Model(grown, read.booster, msgspec.json.decode(forest_file(read)["trees.json"], type=Forest))


@pytest.fixture(scope="module", params=CASES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    return model_of(CASES[request.param], tmp_path_factory.mktemp("interactions") / "model.json")


def found_by(forest: Forest, features: int, row: list[float]) -> tuple[list[list[float]], list[Matrix]]:
    contributions = Contributions(Paths(forest), features)
    parts = contributions.of(row)
    return parts, Interactions(contributions).of(row, parts)


def dense(matrix: Matrix, features: int) -> npt.NDArray[np.float64]:
    table = np.zeros((features, features))
    for one, row in matrix.items():
        for other, value in row.items():
            table[one, other] = value
    return table


@settings(max_examples=30)
@given(SEEDS)
def test_interactions_are_xgboost_s(model: Model, seed: int) -> None:
    """They equal XGBoost's but for 64 float32 steps of the largest one, and rows sum to the contributions."""
    row = model.row(seed)
    parts, matrices = found_by(model.forest, model.features, row)
    matrix = model.grown.matrix(np.array([row], np.float32))
    size = model.features + 1
    expected = model.booster.predict(matrix, pred_interactions=True, validate_features=False).reshape(-1, size, size)
    for part, own, theirs in zip(parts, matrices, expected, strict=True):
        table = dense(own, model.features)
        assert np.abs(table - theirs[:-1, :-1]).max() <= STEPS * max(1.0, np.abs(theirs).max())
        assert table.sum(axis=1) == pytest.approx(part[:-1], abs=1e-12)
        assert np.array_equal(table, table.T)


def worth(tree: Tree, row: list[float], known: frozenset[int], node: int = 0) -> float:
    """Return what a tree is worth if only some features are known: the definition, node by node."""
    left, right = tree.left[node], tree.right[node]
    if left == -1:
        return tree.value[node]
    if tree.feature[node] not in known:
        shares = (tree.cover[left] / tree.cover[node], tree.cover[right] / tree.cover[node])
        return sum(share * worth(tree, row, known, child) for share, child in zip(shares, (left, right), strict=True))
    value = row[tree.feature[node]]
    if value != value:
        return worth(tree, row, known, left if tree.missing_left[node] else right)
    goes_right = int(value) in tree.categories[node] if node in tree.categories else value >= tree.value[node]
    return worth(tree, row, known, right if goes_right else left)


def by_definition(forest: Forest, row: list[float], features: int, one: int, other: int) -> list[float]:
    """Return the Shapley interaction index of two features, from all sets of the others."""
    totals = [0.0] * len(forest.base_margins)
    rest = [each for each in range(features) if each not in (one, other)]
    for size in range(len(rest) + 1):
        weight = factorial(size) * factorial(features - size - 2) / (2 * factorial(features - 1))
        for chosen in map(frozenset, combinations(rest, size)):
            for tree in forest.trees:
                both, first, second, none = (
                    worth(tree, row, chosen | more) for more in ({one, other}, {one}, {other}, frozenset[int]())
                )
                totals[tree.output] += weight * (both - first - second + none)
    return totals


@settings(max_examples=5)
@given(SEEDS)
def test_interactions_are_those_of_the_definition(model: Model, seed: int) -> None:
    """A sum over all sets of the other features gives the same, to double precision."""
    chance = np.random.default_rng(seed)
    features, row = model.features, model.row(seed)
    one, other = (int(place) for place in chance.choice(features, 2, replace=False))
    _, matrices = found_by(model.forest, features, row)
    expected = by_definition(model.forest, row, features, one, other)
    found = [matrix.get(one, {}).get(other, 0.0) for matrix in matrices]
    assert found == pytest.approx(expected, abs=1e-11)


def test_stumps_have_none(tmp_path: Path) -> None:
    """Where each tree asks one feature, also twice, the matrix has the contributions on its diagonal and no more."""
    once = Grown((0,) * 4, {"max_depth": 1})
    twice = Grown((0,) * 4, {"max_depth": 3, "interaction_constraints": "[[0],[1],[2],[3]]"})
    for place, grown in enumerate((once, twice)):
        model = model_of(grown, tmp_path / f"{place}.json")
        contributions = Contributions(Paths(model.forest), 4)
        interactions = Interactions(contributions)
        assert not interactions.any
        parts = contributions.of(model.row(1))
        used = {
            each for tree in model.forest.trees for each, left in zip(tree.feature, tree.left, strict=True) if left > 0
        }
        assert interactions.of(model.row(1), parts) == [{each: {each: parts[0][each]} for each in sorted(used)}]


def test_features_that_no_tree_asks_are_not_there() -> None:
    """Only features of some tree of an output have a row."""
    _, (one, other) = found_by(Forest("0" * 64, (0.0, 0.0), (chain(2),)), 6, [1.0] * 6)
    assert {feature: set(row) for feature, row in one.items()} == {0: {0, 1}, 1: {0, 1}}
    assert other == {}


def test_a_split_that_no_training_row_took() -> None:
    """A branch without cover divides by nothing and adds nothing, whether a row takes it or not."""
    tree = Tree(0, (1, 3, -1, -1, -1), (2, 4, -1, -1, -1), (0, 1, 0, 0, 0), (0.5, 0.5, 1.0, 2.0, 4.0),
                (10.0, 0.0, 10.0, 0.0, 0.0), (False,) * 5)  # fmt: skip
    forest = Forest("0" * 64, (0.0,), (tree,))
    for row in ([0.0, 0.0], [0.0, 1.0], [1.0, 0.0]):
        parts, (matrix,) = found_by(forest, 2, row)
        assert all(np.isfinite(list(each.values())).all() for each in matrix.values())
        assert dense(matrix, 2).sum(axis=1) == pytest.approx(parts[0][:-1])


def test_leaves_are_counted_before_trees_are_decoded(model: Model) -> None:
    """The count from the bytes of a file is that of its trees."""
    assert count_leaves(msgspec.json.encode(model.forest)) == Paths(model.forest).leaves > 0


def chain(length: int) -> Tree:
    """Return a tree whose longest path asks `length` features, one after another."""
    left = [2 * place + 1 if place < length else -1 for place in range(length)]
    nodes = 2 * length + 1
    lefts, rights, features, covers = [-1] * nodes, [-1] * nodes, [0] * nodes, [1.0] * nodes
    for place in range(len(left)):
        node = 2 * place
        lefts[node], rights[node], features[node], covers[node] = node + 1, node + 2, place, float(length + 1 - place)
    return Tree(0, (*lefts,), (*rights,), (*features,), (0.5,) * nodes, (*covers,), (False,) * nodes)


def test_what_would_take_too_long_is_refused() -> None:
    """A tree of 50 levels is answered; one of 500 would take minutes, and is refused before anything is computed."""
    parts, (matrix,) = found_by(Forest("0" * 64, (0.0,), (chain(50),)), 50, [1.0] * 50)
    assert dense(matrix, 50).sum(axis=1) == pytest.approx(parts[0][:-1], abs=1e-12)
    with pytest.raises(TooMuchWork, match=r"steps: expected at most 10,000,000, found [\d,]+"):
        Interactions(Contributions(Paths(Forest("0" * 64, (0.0,), (chain(500),))), 500))


@pytest.mark.parametrize("points", [1, 2, 3, 7, 40])
def test_a_rule_integrates_polynomials(points: int) -> None:
    """Powers up to twice the points, less one, are exact; numpy has the same points and weights."""
    for power in range(2 * points):
        assert sum(weight * t**power for t, weight in rule(points)) == pytest.approx(1 / (power + 1), rel=1e-13)
    places, weights = np.polynomial.legendre.leggauss(points)
    found: Any = np.array(sorted(rule(points)))
    assert np.allclose(found, np.column_stack([(places + 1) / 2, weights / 2]), rtol=0, atol=1e-14)
