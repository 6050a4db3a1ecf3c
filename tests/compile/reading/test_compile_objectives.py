"""Every objective that compiles, certified: its margins bit for bit, its values and labels as XGBoost's."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
import xgboost

from binding.library import Library
from compile.certification.oracle import BoosterOracle, WrapperOracle
from compile.certification.parity import certify
from compile.reading.booster import CompilableModel, read_model
from compile.reading.document import INSTALLED
from compile.reading.objectives import OBJECTIVES
from compile.tuning import worth_trying_tl2cgen
from contract.refusal import Refusal
from tests.support.libraries import TL2CGEN, WALK, built

pytestmark = pytest.mark.long

RANDOM = np.random.default_rng(7)
ROWS = 300
X = RANDOM.normal(size=(ROWS, 5)).astype(np.float32)
SIGNAL = X.sum(axis=1) + RANDOM.normal(size=ROWS).astype(np.float32) / 4
X[RANDOM.random(X.shape) < 0.1] = np.nan
BINARY = (SIGNAL > 0).astype(np.float32)
CLASSES = np.digitize(SIGNAL, [-1, 1])
VECTORS = {"multi_strategy": "multi_output_tree", "tree_method": "hist"}
THREE = np.column_stack([SIGNAL, 1 - SIGNAL, SIGNAL * 2])
LABELS = np.column_stack([BINARY, 1 - BINARY])
QUANTILES = {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}


class Case(NamedTuple):
    """One training: its parameters, and what there is in place of binary labels. `tuning` is how one row is done."""

    parameters: dict[str, Any]
    matrix: dict[str, Any]
    kind: str
    values: tuple[str, ...]
    tuning: Any = WALK

    def grow(self, path: Path, rounds: int = 6) -> Path:
        matrix = xgboost.DMatrix(**{"data": X, "label": BINARY, **self.matrix})
        xgboost.train({"max_depth": 3, **self.parameters}, matrix, rounds).save_model(path)
        return path


def one(objective: str, kind: str = "number", values: tuple[str, ...] = ("prediction",), **more: Any) -> Case:
    """Return a case of one output."""
    matrix = {key: more.pop(key) for key in tuple(more) if key.startswith(("label", "group"))}
    tuning = TL2CGEN if len(objective) % 2 else WALK
    return Case({"objective": objective, **more}, matrix, kind, values, tuning)


POSITIVE = np.abs(SIGNAL) + np.float32(0.1)
ONE = [
    one("binary:logistic", "classes", ("0", "1")),
    one("binary:hinge", "label", ("decision",)),
    one("binary:logitraw"),
    one("reg:squarederror", label=SIGNAL),
    one("reg:squaredlogerror", label=POSITIVE),
    one("reg:absoluteerror", label=SIGNAL),
    one("reg:pseudohubererror", label=SIGNAL, huber_slope=2.0),
    one("reg:quantileerror", label=SIGNAL, quantile_alpha=0.25),
    one("reg:logistic"),
    one("reg:gamma", label=POSITIVE),
    one("reg:tweedie", label=POSITIVE, tweedie_variance_power=1.3),
    one("count:poisson", label=np.floor(POSITIVE)),
    one("survival:cox", label=np.where(BINARY > 0, POSITIVE, -POSITIVE)),
    one("survival:aft", label_lower_bound=POSITIVE, label_upper_bound=POSITIVE + 1),
    one("rank:ndcg", group=[100, 200]),
    one("rank:map", group=[100, 200]),
    one("rank:pairwise", group=[100, 200], lambdarank_unbiased=True)._replace(tuning=WALK),
    one("multi:softprob", "classes", ("0", "1", "2"), num_class=3, label=CLASSES),
    one("multi:softmax", "classes", ("0", "1", "2"), num_class=3, label=CLASSES),
]
TARGETS = ("target_0", "target_1", "target_2")
MANY = [
    Case(parameters | strategy, matrix, kind, values)
    for strategy in ({}, VECTORS)
    for parameters, matrix, kind, values in (
        ({"objective": "reg:squarederror"}, {"label": THREE}, "numbers", TARGETS),
        (
            {"objective": "reg:squarederror", "num_parallel_tree": 2, "subsample": 0.5},
            {"label": THREE},
            "numbers",
            TARGETS,
        ),
        ({"objective": "binary:logistic"}, {"label": LABELS}, "numbers", TARGETS[:2]),
        ({"objective": "binary:hinge"}, {"label": LABELS}, "numbers", TARGETS[:2]),
        ({"objective": "count:poisson"}, {"label": LABELS}, "numbers", TARGETS[:2]),
        (QUANTILES, {"label": SIGNAL}, "numbers", ("0.1", "0.5", "0.9")),
        ({"objective": "multi:softprob", "num_class": 3}, {"label": CLASSES}, "classes", ("0", "1", "2")),
        ({"objective": "reg:squarederror", "reg_alpha": 1e9}, {"label": THREE}, "numbers", TARGETS),
    )
]
NEW = [
    one("reg:expectileerror", label=SIGNAL, expectile_alpha=0.3)._replace(tuning=WALK),
    one("reg:expectileerror", "numbers", ("0.1", "0.5", "0.9"), label=SIGNAL, expectile_alpha=[0.1, 0.5, 0.9])._replace(
        tuning=WALK
    ),
]
CASES = [*ONE, *MANY, *(NEW if INSTALLED >= (3, 4) else [])]


@pytest.fixture(autouse=True)
def few_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compile.build.OPTIMIZED", "-O1")
    monkeypatch.setattr("compile.certification.probes.RANDOM_ROWS", 2_000)
    monkeypatch.setattr("compile.certification.probes.CONTEXTS", 1)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.parameters["objective"])
def test_every_objective_is_answered_as_xgboost_answers(case: Case, tmp_path: Path) -> None:
    """Every objective's library gives XGBoost's bits, and its values by name."""
    model = read_model(case.grow(tmp_path / "model.ubj"))
    assert (model.contract.output.kind, model.contract.output.values) == (case.kind, case.values)
    library = Library(built(model, tmp_path / "c", case.tuning), case.values)
    parity = certify(library, model, None)
    assert parity.worst <= 1
    assert parity.wrapped >= 2_000
    *_, inside, distance = library.predict((None, 0.5, 1, True, -0.25))
    assert inside is False
    assert np.isnan(distance)


def test_every_objective_of_the_table_is_tried() -> None:
    """No objective compiles untested by an oracle."""
    assert {case.parameters["objective"] for case in (*CASES, *NEW)} == set(OBJECTIVES)


CLASSIFIERS = [
    (xgboost.XGBClassifier, BINARY, {}),
    (xgboost.XGBClassifier, BINARY, {"objective": "binary:hinge"}),
    (xgboost.XGBClassifier, CLASSES, {}),
    (xgboost.XGBClassifier, LABELS, {}),
    (xgboost.XGBRFClassifier, BINARY, {}),
    (xgboost.XGBRegressor, SIGNAL, {}),
    (xgboost.XGBRegressor, THREE, VECTORS),
    (xgboost.XGBRegressor, BINARY, {"objective": "binary:logistic"}),
    (xgboost.XGBRegressor, SIGNAL, QUANTILES),
]


@pytest.mark.filterwarnings("ignore:`XGBRFClassifier` is deprecated:FutureWarning")  # of XGBoost 3.4
@pytest.mark.parametrize(("kind", "label", "more"), CLASSIFIERS)
def test_the_wrapper_s_own_answers(kind: Any, label: Any, more: dict[str, Any], tmp_path: Path) -> None:
    """The library gives what the user's wrapper gave: predict_proba, or predict."""
    wrapper = kind(n_estimators=5, max_depth=3, **more).fit(X, label)
    wrapper.save_model(tmp_path / "model.json")
    model = read_model(tmp_path / "model.json")
    library = Library(built(model, tmp_path / "c", WALK), model.contract.output.values)
    certify(library, model, None)
    batch = library.predict_rows(X.tobytes(), 0, len(X))
    values = np.frombuffer(batch.values, np.float32).reshape(len(X), -1)
    labels = np.frombuffer(batch.labels, np.int32)
    if model.contract.output.kind == "classes" and isinstance(wrapper, xgboost.XGBClassifier):
        assert np.array_equal(values, wrapper.predict_proba(X))
        assert np.array_equal(labels, wrapper.predict(X))
    elif model.contract.output.kind == "numbers" and label is LABELS:
        assert np.array_equal(values, wrapper.predict_proba(X))
    else:
        expected = wrapper.predict(X).reshape(len(X), -1)
        assert np.array_equal(values[:, -1:] if values.shape != expected.shape else values, expected)


def log_loss(margins: npt.NDArray[np.float32], matrix: xgboost.DMatrix) -> Any:
    """Return gradients and Hessians, as a user's objective does."""
    shares = 1 / (1 + np.exp(-margins))
    return shares - matrix.get_label(), shares * (1 - shares)


def test_a_custom_objective_answers_with_margins(tmp_path: Path) -> None:
    """A custom objective is saved as reg:squarederror, for which the values are the margins, as for XGBoost."""
    booster = xgboost.train({"base_score": 0.0}, xgboost.DMatrix(X, BINARY), 5, obj=log_loss)
    booster.save_model(tmp_path / "model.json")
    model = read_model(tmp_path / "model.json")
    assert model.contract.output.kind == "number"
    library = Library(built(model, tmp_path / "c", WALK))
    certify(library, model, None)
    values = library.predict_rows(X.tobytes(), 0, len(X)).values
    assert values == booster.predict(xgboost.DMatrix(X), output_margin=True).tobytes()


@pytest.mark.parametrize("strategy", [{}, VECTORS], ids=["one output a tree", "vectors"])
@pytest.mark.parametrize("all_trees", [False, True])
def test_several_targets_that_stopped_early(tmp_path: Path, strategy: dict[str, Any], all_trees: bool) -> None:
    """A model of several targets that stopped early answers with its best rounds, or with all."""
    how = {"n_estimators": 100, "early_stopping_rounds": 3, "eta": 0.8, "max_depth": 4, **strategy}
    wrapper = xgboost.XGBRegressor(**how).fit(X[:200], THREE[:200], eval_set=[(X[200:], THREE[200:])], verbose=False)
    wrapper.save_model(tmp_path / "model.json")
    model = read_model(tmp_path / "model.json", all_trees=all_trees)
    rounds = wrapper.get_booster().num_boosted_rounds()
    assert wrapper.best_iteration + 1 < rounds
    assert model.trees.rounds == (rounds if all_trees else wrapper.best_iteration + 1)
    assert model.trees.count == 3 * model.trees.rounds
    library = Library(built(model, tmp_path / "c", WALK))
    certify(library, model, None)
    expected = wrapper.predict(X, iteration_range=(0, model.trees.rounds))
    assert library.predict_rows(X.tobytes(), 0, len(X)).values == expected.tobytes()


def test_a_file_whose_quantiles_are_now_sorted_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notice says that XGBoost 3.4 sorts the quantiles of a model from before it; its own need no notice."""
    case = next(case for case in MANY if case.parameters["objective"] == "reg:quantileerror")
    path = case.grow(tmp_path / "model.json")
    assert read_model(path).notices == ()
    monkeypatch.setattr("compile.reading.booster.INSTALLED", (99, 0, 0))
    told = any("sorts the quantiles of each row" in notice for notice in read_model(path).notices)
    assert told == (INSTALLED < (3, 4))


def test_tl2cgen_is_not_asked_for_several_targets(tmp_path: Path) -> None:
    """tl2cgen's code for one row cannot be chosen for several targets, nor for what Treelite does not read."""
    unbiased = next(case for case in ONE if "lambdarank_unbiased" in case.parameters)
    for number, case in enumerate((MANY[0], MANY[len(MANY) // 2], unbiased)):
        model = read_model(case.grow(tmp_path / f"{number}.ubj"))
        assert not worth_trying_tl2cgen(model)
        with pytest.raises(Refusal, match="choose --one-row walk"):
            built(model, tmp_path / f"{number}", TL2CGEN)


def test_the_oracles_do_not_agree_with_another_model(tmp_path: Path) -> None:
    """The second oracle is asked in earnest: another model's wrapper differs."""
    first, second = (read_model(ONE[0].grow(tmp_path / f"{rounds}.ubj", rounds)) for rounds in (5, 6))
    rows = np.nan_to_num(X)
    known = BoosterOracle(first).answer(rows)
    assert wrapped(first, rows).margins.tobytes() == known.margins.tobytes()
    assert wrapped(second, rows).margins.tobytes() != known.margins.tobytes()


def wrapped(model: CompilableModel, rows: npt.NDArray[np.float32]) -> Any:
    return WrapperOracle(model).answer(rows, None, BoosterOracle(model).answer(rows))
