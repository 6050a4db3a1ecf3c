"""Models that split on categories: read, understood, and answered as `Booster.predict` over a DMatrix answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from compile.reading.booster import read_model
from compile.reading.categories import ends_of
from compile.reading.derived_contract import derived_contract
from contract.refusal import Refusal
from contract.schema import Contract, Input, Output
from tests.compile.categories import Grown, stored, with_categories
from tests.compile.models import edited

LISTS: list[list[str | int]] = [["red", "größe", "", "d", "e", "f"], [], [90, 10, -50]]
Edit = Callable[[dict[str, Any]], None]


@given(st.sets(st.integers(0, 40)))
def test_the_ends_of_sequences_say_which_codes_are_in_a_set(codes: set[int]) -> None:
    """A code is in a set if an odd number of ends are not above it."""
    ends = ends_of(tuple(sorted(codes)))
    assert ends == sorted(ends)
    assert {code for code in range(50) if sum(end <= code for end in ends) % 2} == codes


def test_a_model_without_stored_categories_takes_their_codes(tmp_path: Path) -> None:
    """Its categorical inputs are integers that may be missing, and tl2cgen cannot write it."""
    model = read_model(Grown().saved(tmp_path / "model.json"))
    assert [each.kind for each in model.contract.inputs] == ["integer", "number", "integer"]
    assert all(each.missing for each in model.contract.inputs)
    assert not model.for_tl2cgen
    assert set(model.thresholds) == {0, 1, 2}


def test_stored_categories_become_those_of_the_contract(tmp_path: Path) -> None:
    """Texts and integers that the file stores are the categories of inputs that may be missing."""
    model = read_model(with_categories(Grown().saved(tmp_path / "model.json"), LISTS))
    assert [(each.kind, list(each.categories)) for each in model.contract.inputs] == [
        ("category", LISTS[0]),
        ("number", []),
        ("category", LISTS[2]),
    ]
    assert all(each.missing for each in model.contract.inputs)


def test_stored_categories_survive_ubjson(tmp_path: Path) -> None:
    """UBJSON, as XGBoost itself writes it, gives the same categories as JSON."""
    path = with_categories(Grown().saved(tmp_path / "model.json"), LISTS)
    xgboost.Booster(model_file=path).save_model(tmp_path / "model.ubj")
    assert read_model(tmp_path / "model.ubj").contract == read_model(path).contract


def given_contract(*inputs: Input) -> Contract:
    names = {"feature_0": Input("feature_0"), "feature_1": Input("feature_1"), "feature_2": Input("feature_2")}
    names |= {each.name: each for each in inputs}
    return Contract("given", tuple(names.values()), Output(classes=("0", "1")))


COLOUR = Input("feature_0", "category", categories=tuple(LISTS[0]))
CODE = Input("feature_2", "category", categories=tuple(LISTS[2]), unseen="missing")


@pytest.mark.long
def test_a_given_contract_must_list_the_same_categories(tmp_path: Path) -> None:
    """A contract that is given lists the file's categories in the file's order; `unseen` is its own choice."""
    path = with_categories(Grown().saved(tmp_path / "model.json"), LISTS)
    assert read_model(path, contract=given_contract(COLOUR, CODE)).contract.inputs[2] == CODE
    other_order = Input("feature_0", "category", categories=("größe", "red", "", "d", "e", "f"))
    fewer = Input("feature_2", "category", categories=(90, 10))
    for inputs in ((COLOUR,), (CODE,), (other_order, CODE), (COLOUR, fewer), (COLOUR, Input("feature_2", "integer"))):
        with pytest.raises(Refusal, match=r"expected the categories of 'feature_[02]' as in the model's file"):
            read_model(path, contract=given_contract(*inputs))


def test_a_contract_may_name_categories_that_the_file_does_not_store(tmp_path: Path) -> None:
    """If the file has no categories, the contract's own are taken."""
    path = Grown().saved(tmp_path / "model.json")
    assert read_model(path, contract=given_contract(COLOUR, CODE)).contract.inputs[0] == COLOUR


def test_the_installed_xgboost_answers_stored_categories_by_their_codes(tmp_path: Path) -> None:
    """A DMatrix of codes has the same answer with the categories stored and without."""
    grown = Grown()
    path = grown.saved(tmp_path / "model.json")
    rows = grown.rows(50, 3)
    before = xgboost.Booster(model_file=path).predict(grown.matrix(rows), validate_features=False)
    booster = xgboost.Booster(model_file=with_categories(path, LISTS))
    assert booster.predict(grown.matrix(rows), validate_features=False).tobytes() == before.tobytes()


@settings(max_examples=20)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5), min_size=1, unique=True))
def test_any_texts_can_be_categories(texts: list[str]) -> None:
    """Texts of any characters come out of the file as they were."""
    document = json.loads(bytes(Grown((len(texts), 0), rounds=1).booster().save_raw("json")))
    document["learner"]["gradient_booster"]["model"]["cats"] = {"enc": [stored(texts), stored([])]}
    assert list(derived_contract(document["learner"], "m", "m").inputs[0].categories) == texts


def change(tree: Callable[[dict[str, Any]], Any]) -> Edit:
    """Return an edit of the first tree that splits on categories."""

    def edit(document: dict[str, Any]) -> None:
        trees = document["learner"]["gradient_booster"]["model"]["trees"]
        tree(next(each for each in trees if each["categories_nodes"]))

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        change(lambda tree: tree["categories"].pop()),
        change(lambda tree: tree["categories_nodes"].pop()),
        change(lambda tree: tree["categories_sizes"].append(1)),
        change(lambda tree: tree["categories_segments"].__setitem__(0, 10_000)),
        change(lambda tree: tree["categories"].__setitem__(0, -1)),
        change(lambda tree: tree["categories"].__setitem__(0, 1 << 24)),
        change(lambda tree: tree.update(split_type=[2] * len(tree["split_type"]))),
        change(lambda tree: tree.update(split_type=[])),
    ],
)
def test_sets_that_do_not_fit_are_refused(tmp_path: Path, edit: Edit) -> None:
    """Whatever is wrong with the sets of a tree is refused, by XGBoost or here."""
    with pytest.raises(Refusal, match=r"model\.json"):
        read_model(edited(Grown().saved(tmp_path / "model.json"), edit))


@pytest.mark.parametrize(
    ("lists", "told"),
    [([["a", "a"], [], []], "twice"), ([[7, 7], [], []], "twice"), ([["a"], [], [], ["b"]], "does not have|cannot")],
)
def test_stored_categories_that_do_not_fit_are_refused(tmp_path: Path, lists: Any, told: str) -> None:
    """A category that is there twice, or of no feature, is refused."""
    with pytest.raises(Refusal, match=told):
        read_model(with_categories(Grown().saved(tmp_path / "model.json"), lists))


def test_categories_in_another_encoding_are_refused(tmp_path: Path) -> None:
    """Texts that are not in UTF-8 are refused."""
    path = with_categories(Grown().saved(tmp_path / "model.json"), LISTS)

    def edit(document: dict[str, Any]) -> None:
        document["learner"]["gradient_booster"]["model"]["cats"]["enc"][0]["values"][0] = -1

    with pytest.raises(Refusal, match="no texts in UTF-8"):
        read_model(edited(path, edit))


def test_codes_that_would_make_the_library_too_large_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many splits on very large codes are refused with the way out."""
    monkeypatch.setattr("compile.reading.categories.MOST_WORDS", 3)
    with pytest.raises(Refusal, match="train with consecutive codes"):
        read_model(Grown().saved(tmp_path / "model.json"))
