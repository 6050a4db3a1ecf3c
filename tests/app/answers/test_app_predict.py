"""POST /predict: the document of every kind of answer, and what is refused."""

import json
import struct
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.answers.bundle_answers import BundleAnswers
from app.core.answer import Answer, Problem
from compile.certification.probes import derive_rows
from score.bundle import Bundle
from tests.support.apples import APPLE, KINDS, TASTES, Compiled, document_of

Handler = Callable[[bytes], Answer]
Loaded = Callable[[str], Bundle]

FIELDS = {
    "classes": ["prediction", "use", "probabilities", "prediction_set", "in_distribution", "distance"],
    "binary": ["prediction", "taste", "probabilities", "prediction_set"],
    "label": ["prediction", "taste", "in_distribution", "distance"],
    "number": ["prediction", "interval", "in_distribution", "distance"],
    "numbers": ["prediction", "interval"],
}
PLAIN = {**{kind: fields[:2] for kind, fields in FIELDS.items()}, "number": ["prediction"], "numbers": ["prediction"]}
PLAIN |= {kind: ["prediction", label, "probabilities"] for kind, label in (("classes", "use"), ("binary", "taste"))}


def answers_of(bundle: Bundle, *, judged: bool = True) -> BundleAnswers:
    uncertainty = bundle.uncertainty if judged else None
    return BundleAnswers(bundle.library, bundle.contract, bundle.version, bundle.trees, uncertainty)


@pytest.fixture(scope="module")
def handler(bundle: Bundle) -> Handler:
    return answers_of(bundle).predict


def answered(handler: Handler, document: dict[str, Any]) -> dict[str, Any]:
    answer = handler(json.dumps(document).encode())
    assert answer.status == 200, answer.body
    found: dict[str, Any] = json.loads(answer.body)
    return found


def check(answer: Answer) -> None:
    """Check that the answer is a prediction of a penguin, or a problem document with its errors."""
    if answer.status == 200:
        document = json.loads(answer.body)
        fields = ["prediction", "species", "probabilities", "prediction_set", "in_distribution", "distance"]
        assert list(document) == fields
        assert document["probabilities"][document["species"]] == max(document["probabilities"].values())
    else:
        problem = msgspec.json.decode(answer.body, type=Problem)
        assert answer.status == problem.status
        assert problem.status in (400, 422)
        assert problem.errors


@given(st.binary(max_size=200))
@example(b"{" * 5000)
@example(b"\xff")
def test_any_bytes_get_an_answer(handler: Handler, body: bytes) -> None:
    """Any body gets an answer and never an exception."""
    check(handler(body))


BOUNDS = {
    "bill_length_mm": (20, 80),
    "bill_depth_mm": (8, 30),
    "flipper_length_mm": (120, 280),
    "body_mass_g": (1500, 9000),
}
numbers = st.one_of(st.floats(), st.integers(), st.floats(0, 10_000), st.integers(0, 10_000))
anything = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=5), st.just([]), st.just({"a": [1]}))
birds = st.fixed_dictionaries(
    {},
    optional={name: st.one_of(st.floats(low, high), anything) for name, (low, high) in BOUNDS.items()}
    | {"sex": anything},
)


@given(birds)
def test_any_object_gets_an_answer(handler: Handler, bird: dict[str, Any]) -> None:
    """The fields alone decide the status: 422 for no number, 400 for an impossible one, else 200."""
    body = json.dumps(bird).encode()
    answer = handler(body)
    check(answer)
    if b"NaN" in body or b"Infinity" in body:
        assert answer.status == 422
        return
    given_values: list[Any] = [bird.get(name) for name in BOUNDS]
    if any(isinstance(value, bool) or not isinstance(value, int | float) or value < 0 for value in given_values):
        expected = 422
    elif any(not low <= value <= high for value, (low, high) in zip(given_values, BOUNDS.values(), strict=True)):
        expected = 400
    else:
        expected = 200
    assert answer.status == expected


def test_a_long_value_is_shown_short(handler: Handler) -> None:
    """The answer shows a long value shortened: a client's megabyte does not come back."""
    body = b'{"bill_length_mm": ' + b"9" * 30_000 + b"}"
    assert len(handler(body).body) < 2_000


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_has_the_fields_of_its_kind(apple_bundle: Loaded, kind: str) -> None:
    """An answer has the fields of its kind, and those that the bundle can judge it by."""
    bundle = apple_bundle(kind)
    assert list(answered(answers_of(bundle).predict, APPLE)) == FIELDS[kind]
    assert list(answered(answers_of(bundle, judged=False).predict, APPLE)) == PLAIN[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_is_xgboost_s(apples: Callable[[str], Compiled], apple_bundle: Loaded, kind: str) -> None:
    """The numbers of an answer are XGBoost's own, for every kind of input and for missing ones."""
    apple, bundle = apples(kind), apple_bundle(kind)
    rows, contract = apple.rows(60), apple.contract
    expected = apple.booster.inplace_predict(derive_rows(contract, rows))
    predict = answers_of(bundle).predict
    for row, values in zip(rows, expected.reshape(len(rows), -1).tolist(), strict=True):
        found = answered(predict, document_of(contract, row))
        assert_is(kind, found, values)
        if contract.output.classed:
            assert found[contract.output.label] == contract.output.classes[found["prediction"]]


def assert_is(kind: str, found: dict[str, Any], values: list[float]) -> None:
    """Check an answer against XGBoost's values for its row."""
    if kind == "classes":
        assert list(found["probabilities"].values()) == pytest.approx(values, abs=1e-6)
        assert found["prediction"] == int(np.argmax(values))
    elif kind == "binary":
        assert list(found["probabilities"].values()) == pytest.approx([1 - values[0], values[0]], abs=1e-6)
        assert found["prediction"] == (values[0] > 0.5)
    elif kind == "label":
        assert found["prediction"] == values[0]
    elif kind == "number":
        assert found["prediction"] == values[0]
        assert found["interval"] == [values[0] - 0.5, values[0] + 0.5]
    else:
        assert list(found["prediction"].items()) == list(zip(("low", "middle", "high"), values, strict=True))
        intervals = {
            name: [number - width, number + width]
            for (name, number), width in zip(found["prediction"].items(), (0.5, 1.5, 2.5), strict=True)
        }
        assert found["interval"] == intervals


@pytest.mark.parametrize("kind", ["classes", "label", "number"])
def test_an_answer_is_judged_as_a_batch_is(apples: Callable[[str], Compiled], apple_bundle: Loaded, kind: str) -> None:
    """The distance and the prediction set of one row are those of the batch; without a value there is no distance."""
    apple, bundle = apples(kind), apple_bundle(kind)
    rows, library = apple.rows(40), bundle.library
    batch = library.predict_rows(rows.tobytes(), 0, len(rows))
    judged = library.judge_rows(rows.tobytes(), batch.values, len(rows))
    distances = struct.unpack(f"={len(rows)}f", judged.distances)
    predict, seen = answers_of(bundle).predict, set()
    for number, row in enumerate(rows):
        found = answered(predict, document_of(apple.contract, row))
        missing = bool(np.isnan(row[4]))
        assert found["distance"] == (None if missing else distances[number])
        assert found["in_distribution"] == (not missing and distances[number] <= 2.5)
        seen.add((missing, found["in_distribution"]))
        if kind == "classes":
            members = [name for name, share in found["probabilities"].items() if share >= 0.25]
            assert found["prediction_set"] == members
    assert seen == {(True, False), (False, False), (False, True)}


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_has_its_record(apple_bundle: Loaded, kind: str) -> None:
    """The record for metrics and logs has the row, the answer and what it was judged by."""
    bundle = apple_bundle(kind)
    answer = answers_of(bundle).predict(json.dumps(APPLE).encode())
    found, record = json.loads(answer.body), answer.prediction
    assert record is not None
    assert [getattr(value, "value", value) for value in record.row] == list(APPLE.values())
    assert record.model_version == bundle.version
    assert record.set_size == len(found.get("prediction_set", []))
    assert record.distance == pytest.approx(found.get("distance", -1.0))
    if bundle.contract.output.classed:
        assert record.label == found["prediction"]
    if "probabilities" in found:
        assert record.value == max(found["probabilities"].values())
    elif kind == "number":
        assert record.value == found["prediction"]
    elif kind == "numbers":
        assert (record.label, record.value) == (0, found["prediction"]["low"])


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_offered_and_receipted(apple_bundle: Loaded, kind: str) -> None:
    """A challenger is offered the row and the values; a receipt changes only the headers."""
    answers, offered = answers_of(apple_bundle(kind)), []
    body = json.dumps(APPLE).encode()
    plain = answers.predict(body)
    answers.offers.row = lambda *offer: offered.append(offer)
    timed = answers.receipt(lambda: 0.0)(body)
    ((row, label, values),) = offered
    assert tuple(values) == answers.parts.contract.output.values
    assert plain.prediction is not None
    assert (len(row), label) == (len(APPLE), plain.prediction.label)
    assert (timed.body, timed.status) == (plain.body, 200)
    assert timed.headers[:-1] == plain.headers
    assert timed.headers[-1][0] == b"server-timing"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("changes", "status"), [({"weight": 10}, 400), ({"seeds": "5"}, 422)])
def test_a_faulty_body_names_the_model(
    apple_bundle: Loaded, kind: str, changes: dict[str, object], status: int
) -> None:
    """Every kind of answer refuses the same bodies, and the refusal names the model's version."""
    bundle = apple_bundle(kind)
    answer = answers_of(bundle).predict(json.dumps({**APPLE, **changes}).encode())
    assert answer.status == status
    assert (b"model-version", bundle.version.encode()) in answer.headers


def test_repeated_fields_are_answered_by_their_last_value(apple_bundle: Loaded) -> None:
    """A body with a wrong value before the right one is answered as without it, for every kind."""
    body = json.dumps(APPLE).encode()
    for kind in KINDS:
        predict = answers_of(apple_bundle(kind)).predict
        assert predict(b'{"has stalk": 7, ' + body[1:]).body == predict(body).body


def test_the_classes_of_two_are_named_in_order(apple_bundle: Loaded) -> None:
    """A model of two classes has a probability for each, which sum to one."""
    found = answered(answers_of(apple_bundle("binary")).predict, APPLE)
    assert tuple(found["probabilities"]) == TASTES
    assert sum(found["probabilities"].values()) == pytest.approx(1, abs=1e-6)
