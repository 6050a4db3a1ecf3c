"""Contracts that are derived from a model's file, and models that do not fit the contract that they are given."""

import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compile.contract_file import contract_for, in_toml
from compile.reading.booster import read_model
from compile.reading.derived_contract import Signature, derived_contract
from contract.format_2 import CONTRACT
from contract.reading import read_contract
from contract.refusal import Refusal
from contract.schema import Contract, Input, InputName, Output
from tests.compile.models import RANDOM, X, edited, saved

Y3 = RANDOM.integers(0, 3, 200)
SOFTPROB = {"objective": "multi:softprob", "num_class": 3}


def learner(count: int, names: tuple[str, ...] = (), types: tuple[str, ...] = (), **objective: Any) -> dict[str, Any]:
    """Return the part of a document that a contract is derived from."""
    return {
        "feature_names": list(names),
        "feature_types": list(types),
        "learner_model_param": {"num_class": "0", "num_feature": str(count), "num_target": "1"},
        "objective": {"name": "reg:squarederror", **objective},
    }


def test_inputs_are_what_the_file_says(tmp_path: Path) -> None:
    """Names and kinds come from the file; nothing bounds the values, and any may be missing."""
    path = saved(
        tmp_path / "my churn (v2).json",
        data=np.abs(np.round(X * 4)),
        feature_names=["calls", "is new", "größe", "a.b", "x"],
        feature_types=["int", "i", "float", "q", "int"],
    )
    contract = read_model(path).contract
    assert contract.input_names == ("calls", "is new", "größe", "a.b", "x")
    assert [each.kind for each in contract.inputs] == ["integer", "boolean", "number", "number", "integer"]
    assert all(each.missing and each.bounds in ((-np.inf, np.inf), (0, 1)) for each in contract.inputs)
    assert (contract.name, contract.title, contract.derived) == ("my-churn-v2", "my churn (v2)", ())
    assert contract.output == Output(classes=("0", "1"))


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("penguins", "penguins"),
        ("_x_", "x"),
        ("日本", "model"),
        ("a" * 99, "a" * 64),
        ("..", "model"),
        ("v1.2-b", "v1.2-b"),
    ],
)
def test_the_name_is_part_of_a_url(stem: str, name: str) -> None:
    """Whatever the file is called, the model's name is one, and the title is the file's."""
    contract = derived_contract(learner(1), stem, "model.json")
    assert (contract.name, contract.title) == (name, stem)


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "\x00", "", "\ud800"])
def test_a_name_that_no_key_can_have_is_refused(name: str) -> None:
    """A feature's name that cannot be a key of JSON is refused by name."""
    with pytest.raises(
        Refusal, match=re.escape(f"model.json: expected names of features that can be keys in JSON, found {name!r}")
    ):
        derived_contract(learner(2, ("good", name)), "model", "model.json")


def test_a_name_that_stands_twice_is_refused() -> None:
    """Two features of one name are refused."""
    with pytest.raises(Refusal, match="each name of a feature once, found twice b"):
        derived_contract(learner(3, ("a", "b", "b")), "model", "model.json")


def test_features_without_names_are_numbered(tmp_path: Path) -> None:
    """A model without names gets feature_0, feature_1, ..."""
    assert read_model(saved(tmp_path / "m.json")).contract.input_names == tuple(f"feature_{i}" for i in range(5))


@pytest.mark.parametrize(
    ("alphas", "names"),
    [
        ("[1E-1,5E-1,9E-1]", ("0.1", "0.5", "0.9")),
        ("[2.5E-2,9.75E-1,5E-1]", ("0.025", "0.975", "0.5")),
        ("[5E-1,5E-1,9E-1]", ("target_0", "target_1", "target_2")),
        ("[1E-1]", ("target_0", "target_1", "target_2")),
        ("many", ("target_0", "target_1", "target_2")),
    ],
)
def test_quantiles_are_named_by_their_levels(alphas: str, names: tuple[str, ...]) -> None:
    """The names of quantiles are their levels, if these are as many, each once."""
    found = learner(1, name="reg:quantileerror", quantile_loss_param={"quantile_alpha": alphas})
    found["learner_model_param"]["num_target"] = "3"
    assert derived_contract(found, "m", "m").output == Output(kind="numbers", names=names)


kinds = st.sampled_from(["int", "i", "q", "float"])


@given(
    st.data(), st.lists(st.text(min_size=1).filter(lambda text: _is_name(text)), min_size=1, max_size=9, unique=True)
)
def test_what_is_written_as_toml_is_read_again(tmp_path_factory: Any, data: st.DataObject, names: list[str]) -> None:
    """A derived contract is the same after it was written as TOML and read."""
    types = data.draw(st.tuples(*(kinds for _ in names)))
    contract = derived_contract(learner(len(names), tuple(names), types), data.draw(st.text(max_size=9)), "m")
    path = tmp_path_factory.getbasetemp() / "contract.toml"
    path.write_text(in_toml(contract), encoding="utf-8", newline="")
    assert read_contract(path) == contract


def _is_name(text: str) -> bool:
    try:
        text.encode()
        return bool(msgspec.convert(text, InputName))
    except (msgspec.ValidationError, UnicodeEncodeError):
        return False


def test_any_contract_can_be_written_as_toml(tmp_path: Path) -> None:
    """The penguins' contract, with its derived features and texts, is the same after it was written and read."""
    (tmp_path / "x.toml").write_text(in_toml(CONTRACT))
    assert read_contract(tmp_path / "x.toml") == CONTRACT


def test_the_contract_is_the_given_one_or_the_one_beside_the_model(tmp_path: Path) -> None:
    """What is given comes before what is beside the model, for a file and for a directory."""
    model, given, directory = tmp_path / "m.json", tmp_path / "given.toml", tmp_path / "m.v1"
    directory.mkdir()
    assert contract_for(model, None) is None
    first, second, third = (msgspec.structs.replace(CONTRACT, name=name) for name in ("first", "second", "third"))
    for path, contract in ((tmp_path / "m.toml", first), (given, second), (tmp_path / "m.v1.toml", third)):
        path.write_text(in_toml(contract))
    assert (contract_for(model, None), contract_for(model, given), contract_for(directory, None)) == (
        first,
        second,
        third,
    )


TWO = ("a", "b")


def contract_of(inputs: int, **output: Any) -> Contract:
    return Contract("m", tuple(Input(f"feature_{i}") for i in range(inputs)), Output(**output))


@pytest.mark.parametrize(
    ("parameters", "matrix", "contract", "told"),
    [
        (
            {},
            {"feature_names": list("abcde")},
            contract_of(5, kind="number"),
            "the features of the contract.*found a, b",
        ),
        ({}, {}, contract_of(4, kind="number"), "expected the 4 features of the contract .*, found 5 without names"),
        (
            {},
            {},
            contract_of(5, classes=TWO),
            "a probability for each of 2 classes.*reg:squarederror .*answers a number",
        ),
        (SOFTPROB, {"label": Y3}, contract_of(5, classes=TWO), "each of 2 classes.*each of 3 classes"),
        (SOFTPROB, {"label": Y3}, contract_of(5, kind="label", classes=(*TWO, "c")), "one of 3 classes without"),
        (
            {"objective": "binary:hinge"},
            {},
            contract_of(5, classes=TWO),
            "answers one of 2 classes without probabilities",
        ),
        (
            {},
            {"label": np.column_stack([Y3, Y3])},
            contract_of(5, kind="numbers", names=("a",)),
            "1 numbers.*2 numbers",
        ),
    ],
)
def test_a_model_that_does_not_fit_its_contract_is_refused(
    tmp_path: Path, parameters: dict[str, Any], matrix: dict[str, Any], contract: Contract, told: str
) -> None:
    """The refusal says what the contract expects, what the model is, and what to do."""
    path = saved(tmp_path / "model.json", {"objective": "reg:squarederror", **parameters}, **matrix)
    with pytest.raises(Refusal, match=told) as refusal:
        read_model(path, contract=contract)
    assert str(refusal.value).startswith(f"{path}: expected")
    assert "--contract" in str(refusal.value)


def test_a_model_gets_the_names_of_its_contract(tmp_path: Path) -> None:
    """A contract that fits gives its classes and inputs, and no notice if the names are the same."""
    contract = Contract("m", tuple(Input(name) for name in "abcde"), Output(classes=("no", "yes")))
    model = read_model(saved(tmp_path / "m.json", feature_names=list("abcde")), contract=contract)
    assert (model.contract, model.notices) == (contract, ())


# As MLflow 3.17 writes it: YAML folds the line and doubles the quote.
MLMODEL = """flavors:
  xgboost:
    data: model.json
signature:
  inputs: '[{"type": "double", "name": "it''s long", "required": true}, {"type":
    "long", "name": "b", "required": true}, {"type": "boolean", "name": "c"}, {"type": "float", "name": "d"},
    {"type": "integer", "name": "e"}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: null
utc_time_created: 'now'
"""


def mlflow(directory: Path, description: str, **matrix: Any) -> Path:
    directory.mkdir()
    (directory / "MLmodel").write_text(description)
    saved(directory / "model.json", **matrix)
    return directory


def test_the_signature_of_mlflow_names_the_inputs(tmp_path: Path) -> None:
    """A directory of MLflow is a model, and its signature has the names and kinds of a model without names."""
    path = mlflow(tmp_path / "churn.v2", MLMODEL)
    model = read_model(path)
    assert model.notices == ()
    assert model.contract.input_names == ("it's long", "b", "c", "d", "e")
    assert [each.kind for each in model.contract.inputs] == ["number", "integer", "boolean", "number", "integer"]
    assert (model.contract.name, model.contract.title) == ("churn.v2", "churn.v2")
    assert read_model(path, contract=contract_of(5, classes=("a", "b"))).contract.output.classes == ("a", "b")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('{"type": "float", "name": "d"},', "", "it has 4 inputs, and the model has 5 features"),
        ('"float"', '"string"', "'d' is of type 'string'; known are double"),
        ('"name": "d"', '"tensor-spec": 3', "expected inputs with a name and a type"),
        ("inputs: '[", "inputs: '[[", "expected inputs with a name and a type"),
        ("inputs: '", 'inputs: "', "it is written in another way"),
    ],
)
def test_a_signature_that_is_not_understood_is_left_out(tmp_path: Path, old: str, new: str, told: str) -> None:
    """The names of the file count if the signature is not understood, and a notice says so."""
    assert old in MLMODEL
    model = read_model(mlflow(tmp_path / "m", MLMODEL.replace(old, new)))
    assert model.contract.input_names[0] == "feature_0"
    assert told in model.notices[0]


def test_the_names_of_the_model_come_before_the_signature_s(tmp_path: Path) -> None:
    """A signature with other names than the model's is left out. Without one, there is no notice."""
    model = read_model(mlflow(tmp_path / "m", MLMODEL, feature_names=list("vwxyz")))
    assert model.contract.input_names == tuple("vwxyz")
    assert "other names" in model.notices[0]
    for number, text in enumerate(
        (MLMODEL.partition("signature:")[0], MLMODEL.partition("signature:")[0] + "signature: null\n")
    ):
        assert read_model(mlflow(tmp_path / f"{number}", text)).notices == ()


def test_a_signature_is_not_more_than_names_and_kinds() -> None:
    """The signature decides names and kinds alone."""
    contract = derived_contract(learner(1), "m", "m", Signature(("a",), ("integer",)))
    assert contract.inputs == (Input("a", "integer", missing=True),)


def test_inputs_that_are_no_numbers_are_left_to_xgboost(tmp_path: Path) -> None:
    """A type that is not known, such as a category, is refused by what it does in the trees, not here."""

    def edit(document: dict[str, Any]) -> None:
        document["learner"]["feature_types"] = ["c"] * 5

    assert read_model(edited(saved(tmp_path / "m.json"), edit)).contract.inputs[0].kind == "integer"
