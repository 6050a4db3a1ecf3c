"""POST /predict: its document, and what it refuses."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.answers import faults
from app.answers.predict import KEPT_SETS, Sets, predictor
from app.core.answer import Answer, PredictionAnswer, Problem
from app.model.bundle import Bundle
from app.model.serving import Served, Serving
from contract.manifest import CONTRACT
from contract.measurements import MEASUREMENTS
from tests.support.commands import EXAMPLE

Handler = Callable[[bytes], Answer]


@pytest.fixture(scope="module")
def handler(bundle: Bundle) -> Handler:
    return predictor(Serving(Served(bundle.library, bundle.version)))


def check(answer: Answer) -> None:
    """Check that the answer is a prediction, or a problem document with its errors."""
    if answer.status == 200:
        document = orjson.loads(answer.body)
        convert = msgspec.convert(document, PredictionAnswer)
        assert set(document) == set(PredictionAnswer.__struct_fields__)
        assert document["probabilities"][convert.species] == max(document["probabilities"].values())
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


numbers = st.one_of(st.floats(), st.integers(), st.floats(0, 10_000), st.integers(0, 10_000))
anything = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=5), st.just([]), st.just({"a": [1]}))
birds = st.fixed_dictionaries(
    {},
    optional={
        measurement.name: st.one_of(st.floats(measurement.minimum, measurement.maximum), anything)
        for measurement in MEASUREMENTS
    }
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
    given_values: list[Any] = [bird.get(measurement.name) for measurement in MEASUREMENTS]
    if any(isinstance(value, bool) or not isinstance(value, int | float) or value < 0 for value in given_values):
        expected = 422
    elif any(
        not measurement.minimum <= value <= measurement.maximum
        for measurement, value in zip(MEASUREMENTS, given_values, strict=True)
    ):
        expected = 400
    else:
        expected = 200
    assert answer.status == expected


def test_a_long_value_is_shown_short(handler: Handler) -> None:
    """The answer shows a long value shortened: a client's megabyte does not come back."""
    body = b'{"bill_length_mm": ' + b"9" * 30_000 + b"}"
    assert len(handler(body).body) < 2_000


def test_a_contract_may_have_values_below_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value below zero that the contract allows is no fault when another field has one."""
    cold = msgspec.structs.replace(MEASUREMENTS[0], minimum=-40)
    monkeypatch.setattr(faults, "MEASUREMENTS", (cold, *MEASUREMENTS[1:]))
    answer = faults.diagnose(json.dumps({**EXAMPLE, "bill_length_mm": -5, "body_mass_g": None}).encode())
    assert isinstance(answer, Answer)
    problem = msgspec.json.decode(answer.body, type=Problem)
    assert [error.pointer for error in problem.errors] == ["#/body_mass_g"]


def test_sets_that_were_asked_for_are_forgotten_again() -> None:
    """The service keeps a bounded number of sets, and each of them is right."""
    sets = Sets()
    for members in range(3 * KEPT_SETS):
        assert sets[members] == [name for label, name in enumerate(CONTRACT.classes) if members & 1 << label]
        assert 0 < len(sets) <= KEPT_SETS
