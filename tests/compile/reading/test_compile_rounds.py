"""What stands in no tree and decides answers all the same: early stopping, and the value that means missing."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xgboost

from binding.library import Library
from compile.certification.parity import certify
from compile.reading.booster import CompilableModel, read_model
from contract.reading import PENGUINS, read_contract
from contract.refusal import Refusal
from tests.compile.models import edited
from tests.support.libraries import WALK, built

random = np.random.default_rng(3)
X = random.normal(size=(400, 4)).astype(np.float32)
Y = X.sum(axis=1) + random.normal(size=400) * 2
SENTINEL = -999.0


def library_of(model: CompilableModel, directory: Path) -> Library:
    """Return the library of a model, certified on a few rows of each kind."""
    library = Library(built(model, directory, WALK))
    certify(library, model, None)
    return library


@pytest.fixture(autouse=True)
def few_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compile.build.OPTIMIZED", "-O1")
    monkeypatch.setattr("compile.certification.probes.RANDOM_ROWS", 2_000)
    monkeypatch.setattr("compile.certification.probes.CONTEXTS", 2)


def answers(library: Library, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the values as the library gives them."""
    return np.frombuffer(library.predict_rows(rows.tobytes(), 0, len(rows)).values, np.float32).reshape(len(rows), -1)


def stopped_early(path: Path, **parameters: Any) -> xgboost.XGBRegressor:
    """Train until the error on other rows has grown for five rounds."""
    wrapper = xgboost.XGBRegressor(n_estimators=200, max_depth=4, early_stopping_rounds=5, eta=0.5, **parameters)
    wrapper.fit(X[:300], Y[:300], eval_set=[(X[300:], Y[300:])], verbose=False)
    wrapper.save_model(path)
    assert wrapper.best_iteration + 1 < wrapper.get_booster().num_boosted_rounds()
    return wrapper


@pytest.mark.parametrize("forest", [1, 3])
def test_an_early_stopped_model_answers_as_its_wrapper(tmp_path: Path, forest: int) -> None:
    """A model that stopped early answers with its best rounds, and says so."""
    wrapper = stopped_early(tmp_path / "model.json", num_parallel_tree=forest)
    model = read_model(tmp_path / "model.json")
    assert model.trees.rounds == wrapper.best_iteration + 1
    assert model.trees.count == forest * model.trees.rounds
    assert model.trees.rounds_trained == wrapper.get_booster().num_boosted_rounds()
    assert f"the best {model.trees.rounds} of {model.trees.rounds_trained} rounds" in model.notices[-1]
    library = library_of(model, tmp_path / "c")
    assert answers(library, X).ravel().tobytes() == wrapper.predict(X).tobytes()


def test_all_trees_answer_where_that_is_asked_for(tmp_path: Path) -> None:
    """--all-trees gives the answers of Booster.predict."""
    wrapper = stopped_early(tmp_path / "model.json")
    model = read_model(tmp_path / "model.json", all_trees=True)
    assert model.trees.rounds == model.trees.rounds_trained
    assert model.notices == ()
    found = answers(library_of(model, tmp_path / "c"), X).ravel()
    assert found.tobytes() == wrapper.get_booster().predict(xgboost.DMatrix(X)).tobytes()
    assert found.tobytes() != wrapper.predict(X).tobytes()


@pytest.mark.parametrize("best", ["-1", "7777", "one", "1.5", "9" * 5000])
def test_a_best_round_that_is_none_is_refused(tmp_path: Path, best: str) -> None:
    """A faulty best round is refused, and --all-trees ignores it."""
    stopped_early(tmp_path / "model.json")

    def edit(document: dict[str, Any]) -> None:
        document["learner"]["attributes"]["best_iteration"] = best

    path = edited(tmp_path / "model.json", edit)
    with pytest.raises(Refusal, match="best_iteration") as refusal:
        read_model(path)
    assert "--all-trees" in str(refusal.value)
    assert read_model(path, all_trees=True).trees.count > 0


@pytest.mark.parametrize("forest", [1, 3])
def test_an_old_file_tells_its_rounds_by_another_attribute(tmp_path: Path, forest: int) -> None:
    """A file from before 1.6 has its rounds in another attribute."""
    wrapper = stopped_early(tmp_path / "model.json", num_parallel_tree=forest)
    best = wrapper.best_iteration

    def edit(document: dict[str, Any]) -> None:
        booster = document["learner"]["gradient_booster"]["model"]
        del booster["gbtree_model_param"]["num_parallel_tree"], booster["iteration_indptr"]
        document["version"] = [1, 5, 2]
        document["learner"]["attributes"]["best_ntree_limit"] = str((best + 1) * forest)

    model = read_model(edited(tmp_path / "model.json", edit))
    assert model.trees.count == (best + 1) * forest
    library = library_of(model, tmp_path / "c")
    assert answers(library, X).ravel().tobytes() == wrapper.predict(X).tobytes()


def test_an_old_file_that_does_not_tell_its_rounds_is_refused(tmp_path: Path) -> None:
    """An old file whose rounds have an unknown number of trees is refused."""
    best = stopped_early(tmp_path / "model.json").best_iteration

    def edit(document: dict[str, Any]) -> None:
        del document["learner"]["gradient_booster"]["model"]["gbtree_model_param"]["num_parallel_tree"]
        document["version"] = [1, 4, 2]

    path = edited(tmp_path / "model.json", edit)
    with pytest.raises(Refusal, match=r"best_iteration.*--all-trees"):
        read_model(path)
    assert read_model(path, all_trees=True).trees.rounds > best + 1


def test_the_certificate_s_second_oracle_finds_a_model_that_was_cut_wrongly(tmp_path: Path) -> None:
    """XGBoost's wrapper, as a second oracle, finds a model with the wrong rounds."""
    stopped_early(tmp_path / "model.json")
    model = read_model(tmp_path / "model.json", all_trees=True)
    wrong = CompilableModel(**{name: getattr(model, name) for name in model.__struct_fields__} | {"pass_rounds": False})
    with pytest.raises(Refusal, match=r"Booster\.predict differs from XGBRegressor"):
        certify(Library(built(wrong, tmp_path / "c", WALK)), wrong, None)


@pytest.mark.long
@pytest.mark.parametrize("missing", [SENTINEL, 0.0, float("inf")])
def test_a_value_that_means_missing_answers_as_the_wrapper_that_was_trained_with_it(
    tmp_path: Path, missing: float
) -> None:
    """--missing gives the answers of the wrapper that was trained with that value."""
    rows = X.copy()
    rows[random.random(X.shape) < 0.3] = missing
    wrapper = xgboost.XGBClassifier(n_estimators=10, max_depth=4, missing=missing).fit(rows, Y > 0)
    wrapper.save_model(tmp_path / "model.json")
    library = library_of(read_model(tmp_path / "model.json", missing=missing), tmp_path / "c")
    expected = np.ascontiguousarray(wrapper.predict_proba(rows)[:, 1])
    assert np.abs(answers(library, rows)[:, 1].copy().view(np.int32) - expected.view(np.int32)).max() <= 1
    one_by_one = np.array([library.predict(tuple(row))[0] for row in rows.tolist()])
    assert one_by_one.tolist() == wrapper.predict(rows).tolist()
    without = library_of(read_model(tmp_path / "model.json"), tmp_path / "without")
    assert np.abs(answers(without, rows)[:, 1] - expected).max() > 0.01


def test_a_possible_value_of_an_input_cannot_mean_missing(model_path: Path) -> None:
    """A value within the bounds of an input is refused as the value that means missing."""
    contract = read_contract(PENGUINS)
    with pytest.raises(Refusal, match=r"no flipper_length_mm from 120 to 280, found 200; choose .* outside the bounds"):
        read_model(model_path, missing=200.0, contract=contract)
    assert read_model(model_path, missing=SENTINEL, contract=contract).missing == SENTINEL
    assert read_model(model_path, missing=200.0).missing == 200.0
