"""DART in each of the ways in which XGBoost saves it: answered as `Booster.predict` over a DMatrix answers."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from binding.library import Library
from compile.certification.oracle import BoosterOracle
from compile.certification.parity import certify
from compile.forest import forest_file
from compile.reading import dart
from compile.reading.booster import read_model
from compile.reading.document import INSTALLED
from compile.reading.ubjson import read_ubjson
from contract.refusal import Refusal
from tests.compile.models import X, Y, edited, saved
from tests.support.libraries import WALK, built

pytestmark = pytest.mark.long

WEIGHTED = (3, 3)  # since then, DART is saved as gbtree with weights
DART = {"booster": "dart", "rate_drop": 0.5, "one_drop": 1, "max_depth": 3}
KINDS: dict[str, dict[str, Any]] = {
    "binary": {"objective": "binary:logistic"},
    "number": {"objective": "reg:squarederror", "normalize_type": "forest"},
    "classes": {"objective": "multi:softprob", "num_class": 2},
    "forest": {"objective": "binary:logistic", "num_parallel_tree": 3, "subsample": 0.6},
}


def grown(rounds: int = 6, names: list[str] | None = None, **more: Any) -> xgboost.Booster:
    with warnings.catch_warnings(), xgboost.config_context(verbosity=0):
        warnings.simplefilter("ignore")  # of boosters that a newer XGBoost will remove
        return xgboost.train({**DART, **more}, xgboost.DMatrix(X, Y, feature_names=names), rounds)


def weights(document: dict[str, Any]) -> Any:
    return dart.weights_of(dart.canonical(document))


def as_saved_by(version: tuple[int, int], document: dict[str, Any]) -> dict[str, Any]:
    """Return a document with its weights where a version of XGBoost saves them."""
    document = dart.canonical(document)
    booster = document["learner"]["gradient_booster"]
    found = booster["model"].pop("weight_drop")
    if version < WEIGHTED:
        booster = {"name": "dart", "gbtree": booster, "weight_drop": found}
    elif version == WEIGHTED:
        booster["weight_drop"] = found
    else:
        booster["model"]["weight_drop"] = found
    return {**document, "learner": {**document["learner"], "gradient_booster": booster}}


@pytest.fixture
def few_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compile.build.OPTIMIZED", "-O1")
    monkeypatch.setattr("compile.certification.probes.RANDOM_ROWS", 2_000)
    monkeypatch.setattr("compile.certification.probes.CONTEXTS", 1)


@pytest.mark.usefixtures("few_probes")
@pytest.mark.parametrize("kind", KINDS)
def test_dart_is_answered_as_xgboost_answers(tmp_path: Path, kind: str) -> None:
    """DART certifies: the same bits on every row, from the booster and, through a DMatrix, from the wrapper."""
    path = tmp_path / "model.ubj"
    grown(names=list("abcde"), **KINDS[kind]).save_model(path)
    model = read_model(path)
    assert not model.for_tl2cgen
    parity = certify(Library(built(model, tmp_path / "c", WALK)), model, None)
    assert parity.wrapped > 2_000
    rows = np.random.default_rng(1).random((50, 5), dtype=np.float32)
    matrix = xgboost.DMatrix(rows, feature_names=list("abcde"))
    expected = xgboost.Booster(model_file=path).predict(matrix, output_margin=True)
    assert BoosterOracle(model).answer(rows).margins.tobytes() == expected.tobytes()


@settings(max_examples=20)
@given(st.sampled_from(list(KINDS)), st.integers(1, 5), st.integers(0, 3))
def test_xgboost_answers_the_same_without_weights(kind: str, rounds: int, seed: int) -> None:
    """The document with weighted leaves is a plain model that XGBoost answers with the same bits."""
    booster = grown(rounds, seed=seed, **KINDS[kind])
    plain = dart.without_weights(dart.canonical(read_ubjson(bytes(booster.save_raw("ubj")))))
    assert weights(plain) is None
    again = xgboost.Booster()
    again.load_model(bytearray(json.dumps(plain, default=np.ndarray.tolist).encode()))
    expected, found = (each.predict(xgboost.DMatrix(X), output_margin=True) for each in (booster, again))
    assert expected.tobytes() == found.tobytes()


@pytest.mark.parametrize("version", [(3, 2), (3, 3), (3, 4)])
def test_each_way_of_saving_weights_is_read_or_refused_by_name(tmp_path: Path, version: tuple[int, int]) -> None:
    """Weights are read wherever a version saved them. An XGBoost that reads past them is not asked."""
    path = tmp_path / "model.json"
    booster = grown(objective="binary:logistic")
    path.write_text(json.dumps(as_saved_by(version, json.loads(booster.save_raw("json")))))
    if INSTALLED < WEIGHTED <= version:
        with pytest.raises(Refusal, match="reads past the weights; compile it with Python"):
            read_model(path)
        return
    matrix = xgboost.DMatrix(X)
    expected, found = (each.predict(matrix, output_margin=True) for each in (booster, read_model(path).booster))
    assert expected.tobytes() == found.tobytes()


@pytest.mark.parametrize("place", ["beside", "within"])
@pytest.mark.parametrize("ones", [[1.0, 1.0], []])
def test_weights_that_change_nothing_are_read_by_every_xgboost(tmp_path: Path, place: str, ones: list[float]) -> None:
    """Weights of 1, or none, are those of a plain model."""
    path = saved(tmp_path / "model.json", {"objective": "binary:logistic"})

    def edit(document: dict[str, Any]) -> None:
        booster = document["learner"]["gradient_booster"]
        (booster if place == "beside" else booster["model"])["weight_drop"] = ones

    expected = read_model(path).document
    model = read_model(edited(path, edit))
    assert model.for_tl2cgen
    assert str(model.document) == str(expected)


def test_a_dart_model_that_stopped_early_has_the_weights_of_its_rounds(tmp_path: Path) -> None:
    """Of a model that stopped early, the best rounds answer, each with its own weight."""
    booster = grown(8, objective="binary:logistic")
    booster.set_attr(best_iteration="2")
    path = tmp_path / "model.ubj"
    booster.save_model(path)
    model = read_model(path)
    assert (model.trees.rounds, model.trees.count) == (3, 3)
    expected = booster.predict(xgboost.DMatrix(X), output_margin=True, iteration_range=(0, 3))
    assert BoosterOracle(model).answer(X).margins.ravel().tobytes() == expected.tobytes()


def test_explanations_get_the_weighted_leaves(tmp_path: Path) -> None:
    """The leaves of trees.json are weighted, so that they add up to the margin."""
    path = tmp_path / "model.json"
    grown(objective="binary:logistic").save_model(path)
    before = json.loads(path.read_bytes())
    forest = json.loads(forest_file(read_model(path))["trees.json"])
    trees = dart.canonical(before)["learner"]["gradient_booster"]["model"]["trees"]
    for tree, weight, found in zip(trees, weights(before), forest["trees"], strict=True):
        leaves = [node for node, left in enumerate(found["left"]) if left == -1]
        expected = np.float32(weight) * np.array(tree["split_conditions"], np.float32)[leaves]
        assert [found["value"][leaf] for leaf in leaves] == expected.tolist()


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([0.5], "6 trees and 1 weights|cannot read"),
        ([0.5] * 7, "6 trees and 7 weights|cannot read"),
        ([float("nan")] * 6, "nan|NaN"),
        ([3e38] * 6, "leaf of -?inf"),
        ("half", "the booster 'dart'|weight_drop|cannot read"),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, found: Any, told: str) -> None:
    """Weights that are too few, too many, too large or no numbers are refused."""
    path = tmp_path / "model.json"
    booster = grown(objective="reg:squarederror", base_score=0.0)
    path.write_bytes(bytes(booster.save_raw("json")))

    def edit(document: dict[str, Any]) -> None:
        booster = document["learner"]["gradient_booster"]
        trees = dart.canonical(document)["learner"]["gradient_booster"]["model"]["trees"]
        for tree in trees:
            tree["split_conditions"] = [value * 10 for value in tree["split_conditions"]]
        (booster if "weight_drop" in booster else booster["model"])["weight_drop"] = found

    with pytest.raises(Refusal, match=told):
        read_model(edited(path, edit))


def test_weights_in_two_places_are_refused(tmp_path: Path) -> None:
    """Weights in two places contradict each other."""
    path = saved(tmp_path / "model.json")

    def edit(document: dict[str, Any]) -> None:
        booster = document["learner"]["gradient_booster"]
        booster["weight_drop"] = booster["model"]["weight_drop"] = [0.5, 0.5]

    with pytest.raises(Refusal, match=r"gradient_booster\S*\.weight_drop"):
        read_model(edited(path, edit))
