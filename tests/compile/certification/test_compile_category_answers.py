"""Splits on categories give XGBoost's bits: one row, blocks of planes, and trees that are walked."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st

from binding.library import Library
from compile.certification.parity import certify
from compile.reading.booster import CompilableModel, read_model
from contract.refusal import Refusal
from tests.compile.categories import Grown, sets_in, with_categories
from tests.compile.editing import edit
from tests.support.libraries import WALK, built

pytestmark = pytest.mark.long

ONE_HOT, PARTITION = {"max_cat_to_onehot": 1_000}, {"max_cat_to_onehot": 1}
NUMBER = {"objective": "reg:squarederror"}
CASES = {
    "one-hot": Grown(parameters=ONE_HOT),
    "partitions": Grown(parameters=PARTITION),
    "never missing": Grown(parameters=PARTITION, missing=0),
    "often missing": Grown(parameters=PARTITION, missing=0.6, seed=2),
    "number": Grown((9, 0, 40), {**NUMBER, **PARTITION}),
    "only categories": Grown((4, 30), PARTITION),
    "many categories": Grown((150, 0, 70), {**PARTITION, "max_depth": 6}, 8),
    "classes": Grown(parameters={"objective": "multi:softprob", "num_class": 3, **PARTITION}),
    "forest": Grown(parameters={"num_parallel_tree": 3, "subsample": 0.6, **ONE_HOT}),
    "dart": Grown(parameters={"booster": "dart", "rate_drop": 0.5, "one_drop": 1, **PARTITION}),
    "targets": Grown(parameters={**NUMBER, **PARTITION}, targets=2),
    "walked": Grown((40, 0, 9, 0), {**NUMBER, **ONE_HOT, "max_depth": 14}),
    "lossguide": Grown((90, 0, 0), {**PARTITION, "max_depth": 0, "max_leaves": 40, "grow_policy": "lossguide"}),
}


@pytest.fixture(autouse=True)
def few_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compile.build.OPTIMIZED", "-O1")
    monkeypatch.setattr("compile.certification.probes.RANDOM_ROWS", 2_000)
    monkeypatch.setattr("compile.certification.probes.CONTEXTS", 2)
    monkeypatch.setattr("compile.reading.document.saved_again", Path.read_bytes)  # a process less


def read(grown: Grown, path: Path) -> CompilableModel:
    return read_model(grown.saved(path / "model.ubj"))


@pytest.mark.parametrize("case", CASES)
def test_categories_are_answered_as_xgboost_answers(tmp_path: Path, case: str) -> None:
    """Each model certifies: codes at the ends of sets, between, beyond, below, infinite and missing."""
    model = read(CASES[case], tmp_path)
    parity = certify(Library(built(model, tmp_path / "c", WALK)), model, CASES[case].rows(100, 9))
    assert parity.rows["training"] == 100
    assert parity.wrapped > 2_000


def test_the_cases_differ(tmp_path: Path) -> None:
    """Some sets have one code, some many, and some codes beyond the second word of bits; some trees are walked."""
    for case in ("one-hot", "many categories"):
        CASES[case].saved(tmp_path / f"{case}.json")
    assert {len(codes) for codes in sets_in(tmp_path / "one-hot.json")} == {1}
    assert max(max(codes, default=0) for codes in sets_in(tmp_path / "many categories.json")) > 64
    assert read(CASES["walked"], tmp_path).trees.depth > 8


@pytest.fixture(scope="module")
def number(tmp_path_factory: pytest.TempPathFactory) -> tuple[Library, xgboost.Booster]:
    """A model of two categorical columns and a number between them."""
    path = tmp_path_factory.mktemp("number")
    model = read(Grown((9, 0, 40), {**NUMBER, **PARTITION}, 8), path)
    return Library(built(model, path / "c", WALK)), model.booster


CODES = st.one_of(
    st.integers(-2, 45).map(float),
    st.floats(-2, 45, width=32),
    st.sampled_from([-0.0, 0.999999, 8.0, 9.0, 39.5, 16777215.0, 16777216.0, 3e38, -3e38, float("nan")]),
)


@given(st.tuples(CODES, st.floats(-3, 3, width=32), CODES))
def test_any_code_is_answered_as_xgboost_answers(
    number: tuple[Library, xgboost.Booster], row: tuple[float, ...]
) -> None:
    """Codes with a fraction, below zero, too large or missing: as one row and in a batch, on every instruction set."""
    library, booster = number
    rows = np.array([row] * 20, dtype=np.float32)
    matrix = xgboost.DMatrix(rows, feature_types=["c", "q", "c"], enable_categorical=True)
    expected = booster.predict(matrix, output_margin=True).tobytes()
    library.predict(row)
    assert np.array(library.margins, np.float32).tobytes() == expected[:4]
    for instruction_set in range(library.instruction_sets):
        assert library.predict_rows(rows.tobytes(), 0, 20, instruction_set).margins == expected


def test_stored_categories_are_asked_by_name(tmp_path: Path) -> None:
    """A model with stored categories certifies with its derived contract, whose random rows try every category."""
    path = with_categories(Grown().saved(tmp_path / "model.json"), [["f", "a", "b", "c", "d", "e"], [], [3, 1, 2]])
    xgboost.Booster(model_file=path).save_model(tmp_path / "model.ubj")
    model = read_model(tmp_path / "model.ubj")
    assert [each.kind for each in model.contract.inputs] == ["category", "number", "category"]
    certify(Library(built(model, tmp_path / "c", WALK)), model, None)


MISTAKES: dict[str, tuple[str, str, str]] = {
    "the order of codes": ("model_data.h", ">> (code & 31)", ">> (31 - (code & 31))"),
    "the words of a set": ("model_data.h", "node.threshold + (code >> 5)", "node.threshold"),
    "the sign": ("model_data.h", "value >= 0.0f &&", "value >= -1.0f &&"),
    "the limit": ("model_data.h", "value < (float)category->limit ?", "value < 1e9f ?"),
    "missing in walks": ("model_data.h", "category->limit + 1", "category->limit"),
    "missing in planes": ("rows.c", "SET_COUNT && value > FLT_MAX", "0 && value > FLT_MAX"),
    "sets": ("rows.c", "member ^= ", "member |= "),
    "a part of a set": ("rows.c", "j < SETS[i].count", "j + 1 < SETS[i].count"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_c_is_found(tmp_path: Path, mistake: str) -> None:
    """Each mistake with codes is found by the certificate."""
    model = read(Grown((70, 0, 40), {**NUMBER, **PARTITION}, 6), tmp_path)
    with pytest.raises(Refusal, match="differs from XGBoost"):
        certify(Library(built(model, tmp_path / "c", WALK, edit(*MISTAKES[mistake]))), model, None)


def test_tl2cgen_is_refused_for_categories(tmp_path: Path) -> None:
    """Treelite reads no stored categories, and tl2cgen takes other codes: only the walk answers."""
    tuning: Any = WALK.__class__("tl2cgen", 16, {})
    with pytest.raises(Refusal, match="choose --one-row walk"):
        built(read(Grown(), tmp_path), tmp_path / "c", tuning)
