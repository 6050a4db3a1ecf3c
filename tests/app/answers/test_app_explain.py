"""POST /explain: the document of every kind of answer and input, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import xgboost

from app.answers.bundle_answers import BundleAnswers
from app.core.answer import Answer, Problem
from contract.schema import Contract, Input, Output
from contract.trees import Forest
from score.bundle import Bundle, load_bundle
from tests.support.apples import APPLE, KINDS, Compiled, compiled, grown
from tests.support.commands import EXAMPLE

Loaded = Callable[[str], Bundle]

HUGE = 1e300  # beyond float32


def answers_of(bundle: Bundle) -> BundleAnswers:
    return BundleAnswers(bundle.library, bundle.contract, bundle.version, bundle.trees, bundle.uncertainty)


def document_of(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    found: dict[str, Any] = json.loads(answer.body)
    return found


def explained(answers: BundleAnswers, document: dict[str, Any]) -> dict[str, Any]:
    return document_of(answers.explain(json.dumps(document).encode()))


def predicted(answers: BundleAnswers, document: dict[str, Any]) -> dict[str, Any]:
    return document_of(answers.predict(json.dumps(document).encode()))


@pytest.fixture(scope="module")
def penguins(bundle: Bundle) -> BundleAnswers:
    return answers_of(bundle)


def test_the_whole_answer(penguins: BundleAnswers, bundle: Bundle) -> None:
    """The document agrees with POST /predict, and states where the answer really turns."""
    found = explained(penguins, EXAMPLE)
    species = bundle.contract.output.classes
    always = ["prediction", "species", "survives_measurement_error", "measurements", "contributions"]
    assert list(found) == [*always, "p_values", "p_value_sets"]
    assert (found["prediction"], found["species"]) == (2, "Adelie")
    assert tuple(found["measurements"]) == bundle.contract.input_names
    bill = found["measurements"]["bill_length_mm"]
    assert list(bill) == ["value", "measurement_error", "survives", "below", "above"]
    assert (bill["value"], bill["measurement_error"], bill["below"]) == (39.1, 0.5, None)
    assert bill["above"]["value"] == pytest.approx(39.1 + bill["above"]["change"])
    label = bundle.library.predict((bill["above"]["value"], 18.7, 181, 3750))[0]
    assert species[label] == bill["above"]["species"] != "Adelie"
    assert tuple(found["contributions"]) == species
    for parts in found["contributions"].values():
        assert tuple(parts["features"]) == bundle.contract.features
        assert parts["bias"] + sum(parts["features"].values()) == pytest.approx(parts["margin"], abs=1e-5)


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 422), (b"{", 422), (b"[" * 9000, 422), ({"body_mass_g": 3.75}, 400), (EXAMPLE, 200)]
)
def test_faults_are_those_of_predict(penguins: BundleAnswers, body: bytes | dict[str, float], status: int) -> None:
    """POST /explain refuses a faulty body with the same problem document as POST /predict."""
    encoded = body if isinstance(body, bytes) else json.dumps({**EXAMPLE, **body}).encode()
    answer = penguins.explain(encoded)
    assert answer.status == status
    if status != 200:
        assert answer == penguins.predict(encoded)
    if status == 400:
        assert msgspec.json.decode(answer.body, type=Problem).suggestion == EXAMPLE


def test_without_trees_there_is_no_explanation(bundle: Bundle) -> None:
    """POST /explain answers 501 without the trees of the model, and still names faults and the model."""
    answers = BundleAnswers(bundle.library, bundle.contract, bundle.version)
    refused = answers.explain(json.dumps(EXAMPLE).encode())
    assert (refused.status, b"compile the model again" in refused.body) == (501, True)
    assert (b"model-version", bundle.version.encode()) in refused.headers
    assert answers.explain(b"{}").status == 422


@pytest.mark.parametrize("kind", [KINDS[0], *(pytest.param(kind, marks=pytest.mark.long) for kind in KINDS[1:])])
def test_an_explanation_agrees_with_the_prediction(
    apples: Callable[[str], Compiled], apple_bundle: Loaded, kind: str
) -> None:
    """The answer is that of POST /predict, and each stated change leads to the stated other answer."""
    answers, turned = answers_of(apple_bundle(kind)), set()
    contract = answers.parts.contract
    for document in apples(kind).documents(12):
        found, answer = explained(answers, document), predicted(answers, document)
        assert found["prediction"] == answer["prediction"]
        assert ("survives_measurement_error" in found) == contract.output.classed
        for each in contract.inputs:
            sensitivity = found["measurements"][each.name]
            assert sensitivity["value"] == document[each.name]
            assert isinstance(sensitivity["value"], bool) == (each.kind == "boolean")
            for side in ("below", "above"):
                if change := sensitivity[side]:
                    turned.add(each.name)
                    check_change(answers, document, each, change, answer)
            assert not sensitivity["below"] or document[each.name] is not None
    assert turned == set(contract.input_names)


def check_change(
    answers: BundleAnswers, document: dict[str, Any], each: Input, change: dict[str, Any], answer: dict[str, Any]
) -> None:
    """Check that a body with the changed value is accepted and gets the answer that the change names."""
    other = predicted(answers, {**document, each.name: change["value"]})
    output = answers.parts.contract.output
    field = output.label if output.classed else "prediction"
    assert change[field] == other[field] != answer[field]
    if each.kind in ("number", "integer"):
        assert change["change"] == pytest.approx(change["value"] - document[each.name])
    else:
        assert change["change"] is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_contributions_of_every_output_sum_to_its_margin(
    apples: Callable[[str], Compiled], apple_bundle: Loaded, kind: str
) -> None:
    """Every margin has the name of its output, and its parts sum to it, with missing values too."""
    answers = answers_of(apple_bundle(kind))
    names = {"binary": ("sweet",), "label": ("sweet",)}.get(kind, answers.parts.contract.output.values)
    for document in apples(kind).documents(20, seed=5):
        found = explained(answers, document)["contributions"]
        assert tuple(found) == names
        for parts in found.values():
            assert tuple(parts["features"]) == answers.parts.contract.features
            assert parts["bias"] + sum(parts["features"].values()) == pytest.approx(parts["margin"], abs=1e-5)


def test_trees_that_do_not_say_where_missing_values_go(apple_bundle: Loaded) -> None:
    """With such trees, a row without a value has no contributions, and whether it survives is open."""
    bundle = apple_bundle("classes")
    assert bundle.trees is not None
    forest = msgspec.json.decode(bundle.trees, type=Forest)
    trees = tuple(msgspec.structs.replace(tree, missing_left=()) for tree in forest.trees)
    old = answers_of(
        msgspec.structs.replace(bundle, trees=msgspec.json.encode(msgspec.structs.replace(forest, trees=trees)))
    )
    assert explained(old, APPLE)["contributions"] == explained(answers_of(bundle), APPLE)["contributions"]
    found = explained(old, {**APPLE, "scab": None})
    assert (found["contributions"], found["survives_measurement_error"]) == (None, None)
    assert found["measurements"]["scab"]["above"] is None
    assert found["prediction"] == predicted(old, {**APPLE, "scab": None})["prediction"]


@pytest.fixture(scope="module", params=["classes", "number"])
def boundless(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> BundleAnswers:
    """Compile a model whose inputs have no bounds, as one has whose contract is derived from its file."""
    directory = tmp_path_factory.mktemp("boundless")
    inputs = (Input("x", missing=True), Input("n", "integer", missing=True))
    output = Output(classes=("a", "b", "c")) if request.param == "classes" else Output(kind="number")
    parameters: dict[str, Any] = {"objective": "reg:squarederror"}
    if request.param == "classes":
        parameters = {"objective": "multi:softprob", "num_class": 3}
    contract = Contract(name="boundless", inputs=inputs, output=output)
    grown(contract, directory / "model.json", parameters)
    return answers_of(load_bundle(compiled(contract, directory / "model.json", directory / "bundle")))


@pytest.mark.parametrize("x", [0, -0.0, 1e-45, 3.4e38, -3.4e38, HUGE, -HUGE, None])
@pytest.mark.parametrize("n", [0, -1, 2**24, 2**24 + 1, -(10**10), 1e30, HUGE, None])
def test_inputs_without_bounds_are_explained(boundless: BundleAnswers, x: float | None, n: float | None) -> None:
    """Any number gets an explanation that agrees with the prediction, however large it is."""
    document = {"x": x, "n": n}
    found, answer = explained(boundless, document), predicted(boundless, document)
    assert found["prediction"] == answer["prediction"]
    for name in ("x", "n"):
        for side in ("below", "above"):
            if change := found["measurements"][name][side]:
                value = document[name]
                assert value is not None
                assert (change["value"] < value) == (side == "below")
                check_change(boundless, document, Input(name), change, answer)
    for parts in found["contributions"].values():
        assert parts["bias"] + sum(parts["features"].values()) == pytest.approx(parts["margin"], abs=1e-5)


@pytest.mark.long
def test_a_bound_that_no_float32_equals_is_kept(tmp_path: Path) -> None:
    """A change is never beyond a bound, although the bound's float32 is, and leads to the stated answer."""
    low, high = 0.7, 1.1
    assert (float(np.float32(low)) < low, float(np.float32(high)) > high) == (True, True)
    contract = Contract(name="bounded", inputs=(Input("x", minimum=low, maximum=high),), output=Output(kind="number"))
    grid = np.array([[low], [0.9], [high]] * 100, np.float32)
    matrix = xgboost.DMatrix(grid, grid[:, 0] ** 2, feature_names=["x"])
    parameters = {"objective": "reg:squarederror", "max_depth": 2, "nthread": 1}
    xgboost.train(parameters, matrix, 2).save_model(tmp_path / "model.json")
    answers = answers_of(load_bundle(compiled(contract, tmp_path / "model.json", tmp_path / "bundle")))
    change = explained(answers, {"x": 1.0})["measurements"]["x"]["above"]
    assert change["value"] == high
    check_change(answers, {"x": 1.0}, contract.inputs[0], change, predicted(answers, {"x": 1.0}))
