import json
from collections.abc import Callable
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.answer import Answer, PredictionAnswer, Problem
from app.bundle import Bundle
from app.predict import predictor
from app.serving import Served, Serving
from contract.measurements import MEASUREMENTS

Handler = Callable[[bytes], Answer]


@pytest.fixture(scope="module")
def handler(bundle: Bundle) -> Handler:
    return predictor(Serving(Served(bundle.library, bundle.version)))


def check(answer: Answer) -> None:
    """A prediction of the documented shape, or a problem document; a 422 lists its errors."""
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
    """Never an exception."""
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
    """The status follows from the fields alone: 422 for what is no number, 400 for what no penguin has, else 200."""
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
    """A client's megabyte does not come back to it."""
    body = b'{"bill_length_mm": ' + b"9" * 30_000 + b"}"
    assert len(handler(body).body) < 2_000
