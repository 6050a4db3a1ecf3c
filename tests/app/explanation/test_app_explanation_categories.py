"""Explanations of models that split on categories: contributions, flips and survival."""

from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from app.explanation.explainer import Explainer
from app.explanation.paths import Range
from binding.library import Library
from compile.forest import forest_file
from compile.reading.booster import read_model
from contract.schema import Contract
from contract.trees import Forest
from tests.compile.categories import Grown, with_categories
from tests.support.libraries import WALK, built

SEEDS = st.integers(0, 1 << 32)
PARTITION, ONE_HOT = {"max_cat_to_onehot": 1}, {"max_cat_to_onehot": 1_000}
CASES = {
    "classes": Grown((12, 0, 5), {"objective": "multi:softprob", "num_class": 3, **PARTITION}),
    "two": Grown((12, 0, 5), {**PARTITION, "max_depth": 6}),
    "one-hot": Grown((12, 0, 5), {**ONE_HOT, "max_depth": 6}),
    "number": Grown((12, 0, 5), {"objective": "reg:squarederror", **PARTITION}),
}


class Model(NamedTuple):
    """A model of categories that explains itself."""

    explainer: Explainer
    booster: xgboost.Booster
    grown: Grown

    @property
    def contract(self) -> Contract:
        return self.explainer.contract

    def row(self, seed: int) -> tuple[float, ...]:
        return tuple(self.grown.rows(1, seed)[0].tolist())

    def answer(self, row: tuple[float, ...]) -> object:
        label, values = self.explainer.library.predict(row)[:2]
        return label if self.contract.output.classed else tuple(values.values())


@pytest.fixture(scope="module", params=[*CASES, "codes"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Return a model whose categories are stored; of the case `codes` they are not."""
    directory = tmp_path_factory.mktemp("categories")
    grown = CASES[request.param if request.param != "codes" else "two"]
    path = grown.saved(directory / "model.json")
    if request.param != "codes":
        with_categories(path, [[f"{number}." for number in range(most)] for most in grown.counts])
    read = read_model(path)
    library = Library(built(read, directory / "c", WALK), read.contract.output.values)
    return Model(Explainer(library, read.contract, forest_file(read)["trees.json"]), read.booster, grown)


@settings(max_examples=60)
@given(SEEDS)
def test_contributions_are_xgboost_s(model: Model, seed: int) -> None:
    """Contributions equal XGBoost's within 1e-5 and sum to the margin: missing, unknown and negative codes, too."""
    chance = np.random.default_rng(seed)
    row = list(model.row(seed))
    if chance.random() < 0.3:
        row[chance.choice([0, 2])] = float(chance.choice([-1.0, 4.5, 12.0, 99.0]))
    found = model.explainer.contributions.of(row)
    matrix = model.grown.matrix(np.array([row], np.float32))
    expected = model.booster.predict(matrix, pred_contribs=True, validate_features=False)
    assert np.abs(np.array(found) - expected.reshape(np.shape(found))).max() < 1e-5
    model.explainer.library.predict(tuple(row))
    assert [sum(parts) for parts in found] == pytest.approx(model.explainer.library.margins, abs=1e-5)


@settings(max_examples=60)
@given(SEEDS)
def test_a_flip_is_the_nearest_category_with_another_answer(model: Model, seed: int) -> None:
    """Among all codes below and above, the flip is the nearest one that changes the answer."""
    row = model.row(seed)
    answer = model.answer(row)
    for place in (0, 2):
        found = model.explainer.flips.of(row, place)
        if row[place] != row[place]:
            assert found == (None, None)
            continue
        here, most = int(row[place]), model.grown.counts[place]
        known = model.contract.inputs[place].kind == "category"
        below = range(here - 1, -1 if known else -20, -1)
        for flip, codes in zip(found, (below, range(here + 1, most if known else 40)), strict=True):
            moved = ((code, model.answer((*row[:place], float(code), *row[place + 1 :]))) for code in codes)
            expected = next(((float(code), other) for code, other in moved if other != answer), None)
            assert expected == (flip and (flip.value, flip.answer))


@settings(max_examples=60)
@given(SEEDS)
def test_a_category_survives_as_it_is(model: Model, seed: int) -> None:
    """A category has no error: without errors of other inputs, the class of every row survives."""
    if model.contract.output.classed:
        assert model.explainer.survival.of(model.row(seed)) is True


@settings(max_examples=60)
@given(SEEDS)
def test_survival_is_proved_with_errors_of_numbers(model: Model, seed: int) -> None:
    """If the number beside the categories, or a code that is an integer, may be off, what is proved is true."""
    if not model.contract.output.classed:
        return
    errors = [0.0, 0.2, 0.0] if model.contract.inputs[0].kind == "category" else [2.0, 0.2, 0.0]
    inputs = tuple(
        msgspec.structs.replace(each, error=error) for each, error in zip(model.contract.inputs, errors, strict=True)
    )
    contract = msgspec.structs.replace(model.contract, inputs=inputs)
    explainer = Explainer(model.explainer.library, contract, msgspec.json.encode(model.explainer._forest))
    row, chance = model.row(seed), np.random.default_rng(seed)
    if explainer.survival.of(row):
        for _ in range(60):
            near = [value + chance.uniform(-error, error) for value, error in zip(row, errors, strict=True)]
            near[0] = float(np.round(near[0]))
            assert model.answer(tuple(near)) == model.answer(row)


CODES = st.frozensets(st.integers(0, 6), max_size=7)


@given(st.one_of(st.none(), CODES), CODES, st.integers(-2, 8), st.integers(0, 4), st.floats(0, 0.9))
def test_a_condition_on_codes_holds_for_a_span_if_for_one_of_its_codes(
    among: frozenset[int] | None, never: frozenset[int], low: int, width: int, fraction: float
) -> None:
    """A span of whole codes meets a condition exactly if one of them does. Codes below zero are in no set."""
    condition = Range(0, -np.inf, np.inf, 1.0, True, among, never)

    def admitted(code: int) -> bool:
        return (among is None or code in among) and code not in never

    assert condition.holds(low + fraction) == (admitted(low) if low >= 0 else among is None)
    codes = range(low, low + width + 1)
    assert condition.meets(low, low + width) == any(map(condition.holds, map(float, codes)))


def test_trees_of_numbers_have_no_key_for_categories(tmp_path: Path) -> None:
    """The file of a model of numbers is as it was before, and a set of codes is read as it was written."""
    numbers = forest_file(read_model(Grown((0, 0)).saved(tmp_path / "numbers.json")))["trees.json"]
    assert b"categories" not in numbers
    read = read_model(Grown().saved(tmp_path / "model.json"))
    forest = msgspec.json.decode(forest_file(read)["trees.json"], type=Forest)
    assert any(tree.categories for tree in forest.trees)
    assert all(tree.value[node] == 0 for tree in forest.trees for node in tree.categories)
