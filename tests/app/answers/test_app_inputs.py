"""The body of a request as a row, with the standard library's json as the oracle."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.schema import Contract, Input, Output
from score.bundle import Bundle
from score.inputs import LEAST_BODY_BYTES, Inputs
from tests.support.apples import APPLE, contract_of

NUMBER = Output(kind="number")
NAMES = st.text(st.characters(codec="utf-8", exclude_characters='"\\', exclude_categories=["Cc"]), min_size=1)
CATEGORIES = st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=5, unique=True)
VALUES: dict[str, Callable[[Input], st.SearchStrategy[Any]]] = {
    "number": lambda _: st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70),
    "integer": lambda _: st.integers(-(2**53), 2**53) | st.integers(-(2**30), 2**30).map(float),
    "boolean": lambda _: st.booleans(),
    "category": lambda each: st.sampled_from(each.categories),
}


@st.composite
def asked(draw: st.DrawFn) -> tuple[Contract, bytes]:
    """Make any contract and a body for it, in any order, with other fields between its own where these are allowed."""
    inputs, document = [], draw(st.dictionaries(NAMES, st.none() | st.integers() | st.lists(st.text()), max_size=3))
    for name in draw(st.lists(NAMES, min_size=1, max_size=6, unique=True)):
        kind = draw(st.sampled_from(list(VALUES)))
        categories = tuple(draw(CATEGORIES)) if kind == "category" else ()
        each = Input(name, kind, categories=categories, missing=draw(st.booleans()))  # type: ignore[arg-type]  # sampled
        inputs.append(each)
        document[name] = draw(VALUES[kind](each) | st.none() if each.missing else VALUES[kind](each))
        if document[name] is None and draw(st.booleans()):
            del document[name]
    own = {each.name for each in inputs}
    strict = any(each.missing for each in inputs)
    allowed = [name for name in document if name in own or not strict]
    body = {name: document[name] for name in draw(st.permutations(allowed))}
    indent, ascii_only = draw(st.none() | st.integers(0, 3)), draw(st.booleans())
    encoded = json.dumps(body, indent=indent, ensure_ascii=ascii_only).encode()
    return Contract(name="any", inputs=tuple(inputs), output=NUMBER), encoded


def by_hand(contract: Contract, body: bytes) -> list[float]:
    """Return the row as Python's json reads it, converted by the rules of the contract."""
    document = json.loads(body)
    values = [document.get(each.name) for each in contract.inputs]
    return [
        float("nan") if value is None else float(each.categories.index(value) if each.categories else value)
        for each, value in zip(contract.inputs, values, strict=True)
    ]


@given(asked())
def test_a_row_is_what_json_says(question: tuple[Contract, bytes]) -> None:
    """A decoded row equals Python's own reading of the body, for any contract."""
    contract, body = question
    inputs = Inputs(contract)
    assert np.array_equal(inputs.numbers(inputs.row(body)), by_hand(contract, body), equal_nan=True)


def test_the_library_gets_the_same_numbers(apple_bundle: Callable[[str], Bundle]) -> None:
    """The library converts booleans, categories and missing values to the numbers of the contract."""
    library, inputs = apple_bundle("number").library, Inputs(contract_of("number"))
    for document in (APPLE, {**APPLE, "has stalk": False, "variety": "Crab & wild", "scab": None, "sugar/100 g": None}):
        row = inputs.row(json.dumps(document).encode())
        assert (
            library.predict(row)[1]
            == library.predict(tuple(by_hand(inputs.contract, json.dumps(document).encode())))[1]
        )


WRONG: dict[str, tuple[object, ...]] = {
    "seeds": (0.5, "5", True, None, 1e400, [5]),
    "has stalk": (0, 1, "true", None, {}),
    "variety": ("elstar", "", 1, None, True),
    "weight": ("150", True, None, 19.99, 600.01),
    "sugar/100 g": ("10", False, -0.1, 25.1),
    "scab": ("lots", 0),
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in WRONG.items() for value in values])
def test_other_values_do_not_decode(field: str, value: object) -> None:
    """A value of another kind, or out of bounds, is refused by the decoder."""
    body = json.dumps({**APPLE, field: value}).replace("Infinity", "1e400").encode()
    with pytest.raises(msgspec.DecodeError):
        Inputs(contract_of("number")).row(body)


def test_the_bounds_belong_to_the_range() -> None:
    """A value that equals a bound is accepted, and an integer may be written with a point."""
    decode = Inputs(contract_of("number")).row
    for changes in ({"weight": 20}, {"weight": 600}, {"seeds": -1}, {"seeds": 30.0}, {"seeds": 3e1}):
        row = decode(json.dumps({**APPLE, **changes}).encode())
        assert float(row[0 if "weight" in changes else 1]) == next(iter(changes.values()))


def test_an_input_that_may_be_missing_is_absent_or_null() -> None:
    """Absent and null are the same, and the last of repeated fields wins."""
    decode = Inputs(contract_of("number")).row
    whole = json.dumps(APPLE).encode()
    absent = json.dumps({name: value for name, value in APPLE.items() if name not in ("scab", "sugar/100 g")}).encode()
    null = json.dumps({**APPLE, "scab": None, "sugar/100 g": None}).encode()
    assert decode(absent) == decode(null) != decode(whole)
    assert decode(absent)[4:] == (None, None)
    assert decode(null[:-1] + b', "scab": "some", "sugar/100 g": 10.4}') == decode(whole)


def test_two_thousand_inputs_fit_in_a_body() -> None:
    """A body of 80 kB with 2,000 inputs is decoded, and is not too large by the contract's own limit."""
    names = [f"a long name of an input {number:012}" for number in range(2_000)]
    contract = Contract(name="wide", inputs=tuple(map(Input, names)), output=NUMBER)
    inputs = Inputs(contract)
    body = json.dumps({name: number / 7 for number, name in enumerate(names)}).encode()
    assert 80_000 < len(body) <= inputs.body_bytes
    assert inputs.row(body) == tuple(number / 7 for number in range(2_000))


def test_a_small_contract_has_the_usual_limit() -> None:
    """A contract of few inputs accepts bodies of 64 KiB; long categories count."""
    assert Inputs(contract_of("number")).body_bytes == LEAST_BODY_BYTES
    wordy = Input("words", "category", categories=("x" * 50_000, "y"))
    assert Inputs(Contract(name="wordy", inputs=(wordy,), output=NUMBER)).body_bytes > 100_000
