"""The errors of a body: each names its field, what was expected and what was found."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.answers.bundle_answers import problem_of as document_of
from app.core.answer import Problem
from contract.schema import Contract, Input, Output
from score.faults import MAX_ERRORS, Diagnosis, Fault
from score.inputs import Inputs
from tests.support.apples import APPLE, contract_of

CONTRACT = contract_of("classes")
DIAGNOSIS = Diagnosis(Inputs(CONTRACT))
HUGE = "9" * 400


def problem_of(diagnosis: Diagnosis, body: bytes) -> Problem:
    fault = diagnosis.of(body)
    assert isinstance(fault, Fault)
    return document_of(fault)


def with_value(field: str, value: str) -> bytes:
    """Return the body of an apple with this JSON as the value of a field."""
    return json.dumps({**APPLE, field: "@"}).replace('"@"', value).encode()


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("weight", '"150"', "weight: expected a number of g, found a string"),
        ("weight", "null", "weight: expected a number of g, found null"),
        ("weight", "[1]", "weight: expected a number of g, found an array"),
        ("weight", "-1", "weight: expected a number of g above zero, found -1"),
        ("weight", "1e999", "weight: expected a number of g, found 1e999, which is too large or not a number"),
        ("weight", HUGE, f"weight: expected a number of g, found {HUGE[:40]}..., which is too large or not a number"),
        ("seeds", "2.5", "seeds: expected an integer, found 2.5"),
        ("seeds", "true", "seeds: expected an integer, found a boolean"),
        ("seeds", "{}", "seeds: expected an integer, found an object"),
        ("has stalk", "1", "has stalk: expected true or false, found a number"),
        ("has stalk", '"true"', "has stalk: expected true or false, found a string"),
        ("has stalk", "null", "has stalk: expected true or false, found null"),
        (
            "variety",
            '"elstar"',
            "variety: expected one of Boskoop, Elstar, 'Crab & wild', found \"elstar\"; did you mean 'Elstar'?",
        ),
        ("variety", "2", "variety: expected one of Boskoop, Elstar, 'Crab & wild', found 2"),
        ("variety", "null", "variety: expected one of Boskoop, Elstar, 'Crab & wild', found null"),
        ("scab", "false", "scab: expected one of none, some, found a boolean"),
        ("sugar/100 g", '"1"', "sugar/100 g: expected a number of g, found a string"),
        ("sugar/100 g", "-1", "sugar/100 g: expected a number of g above zero, found -1"),
    ],
)
def test_a_value_of_another_kind(field: str, value: str, told: str) -> None:
    """The error names the field, its pointer, what was expected and what was found."""
    found = problem_of(DIAGNOSIS, with_value(field, value))
    assert found.status == 422
    assert [error.detail for error in found.errors] == [told]
    assert [error.pointer for error in found.errors] == [f"#/{field.replace('/', '~1')}"]
    assert found.detail == told


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("weight", "0", "weight 0 is less than 20 g, which no apple has"),
        ("weight", "601", "weight 601 is more than 600 g, which no apple has"),
        ("seeds", "-2", "seeds -2 is less than -1, which no apple has"),
        ("seeds", "31.0", "seeds 31.0 is more than 30, which no apple has"),
        ("sugar/100 g", "25.5", "sugar/100 g 25.5 is more than 25 g, which no apple has"),
    ],
)
def test_a_number_out_of_bounds(field: str, value: str, told: str) -> None:
    """The problem names the field, the value as it was sent, the bound and its unit."""
    found = problem_of(DIAGNOSIS, with_value(field, value))
    assert (found.status, [error.detail for error in found.errors]) == (400, [told])
    assert found.detail.endswith(told)


def test_a_contract_without_subject_says_less() -> None:
    """Without a subject and a unit, the message has no blank in their place."""
    plain = Contract(name="plain", inputs=(Input("share", minimum=0.25, maximum=1),), output=Output(kind="number"))
    diagnosis = Diagnosis(Inputs(plain))
    assert problem_of(diagnosis, b'{"share": 2}').detail == "share 2 is more than 1"
    assert problem_of(diagnosis, b"{}").detail == "share is missing: expected a number"


def test_absent_inputs_are_listed_unless_they_may_be_missing() -> None:
    """Every absent input is named with what was expected, but none that may be missing."""
    found = problem_of(DIAGNOSIS, b"{}")
    assert [error.detail for error in found.errors] == [
        "weight is missing: expected a number of g",
        "seeds is missing: expected an integer",
        "has stalk is missing: expected true or false",
        "variety is missing: expected one of Boskoop, Elstar, 'Crab & wild'",
    ]


def test_faults_of_several_kinds_are_listed_together() -> None:
    """Values of a wrong kind come first, then those out of bounds; the status is that of the first."""
    body = json.dumps({**APPLE, "weight": 1000, "seeds": 1.5, "has stalk": "no"}).encode()
    found = problem_of(DIAGNOSIS, body)
    assert found.status == 422
    assert [error.pointer for error in found.errors] == ["#/seeds", "#/has stalk", "#/weight"]


def test_a_value_below_zero_may_be_allowed() -> None:
    """A value below zero that the contract allows is no fault when another field has one."""
    found = problem_of(DIAGNOSIS, json.dumps({**APPLE, "seeds": -1, "weight": None}).encode())
    assert [error.pointer for error in found.errors] == ["#/weight"]


@pytest.mark.parametrize("first", ['"x"', "null", "31", "0.5"])
def test_the_last_of_repeated_fields_is_judged(first: str) -> None:
    """A wrong value before a right one is no fault: the row is returned."""
    inputs = Inputs(CONTRACT)
    body = b'{"seeds": %b, ' % first.encode() + json.dumps(APPLE).encode()[1:]
    assert Diagnosis(inputs).of(body) == inputs.row(json.dumps(APPLE).encode())


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"\xff"', b"\xef\xbb\xbf{}", b"[" * 9_000])
def test_a_body_that_is_no_object_is_told_what_to_send(body: bytes) -> None:
    """The only error is about the whole body, and names the inputs that are required."""
    found = problem_of(DIAGNOSIS, body)
    assert found.status == 422
    assert [error.pointer for error in found.errors] == ["#"]
    assert "send a JSON object with weight, seeds, has stalk, variety" in found.detail
    assert "scab" not in found.detail


def wide(**fields: Any) -> Diagnosis:
    """Return the diagnosis of a contract with 2,000 inputs."""
    inputs = tuple(Input(f"input {number}", **fields) for number in range(2_000))
    return Diagnosis(Inputs(Contract(name="wide", inputs=inputs, output=Output(kind="number"))))


@pytest.mark.parametrize(
    ("fields", "body", "status"),
    [
        ({}, {}, 422),
        ({"maximum": 1, "typical": (0, 1)}, {f"input {number}": 10 for number in range(2_000)}, 400),
        ({"kind": "boolean"}, {f"input {number}": 0 for number in range(2_000)}, 422),
        ({}, [], 422),
        ({"missing": True}, 5, 422),
    ],
)
def test_a_wide_contract_has_a_bounded_answer(fields: dict[str, Any], body: object, status: int) -> None:
    """At most 64 errors and 64 names are listed, however many inputs are wrong."""
    found = problem_of(wide(**fields), json.dumps(body).encode())
    assert found.status == status
    assert 1 <= len(found.errors) <= MAX_ERRORS
    if isinstance(body, dict):
        assert len(found.errors) == MAX_ERRORS
        assert "input 63" in found.errors[-1].detail
    else:
        assert "(2000 in all)" in found.detail
    assert len(msgspec.json.encode(found)) < 20_000


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys((*APPLE, "worm"), anything)))
def test_what_decodes_has_no_fault_and_what_does_not_has_one(document: dict[str, Any]) -> None:
    """The diagnosis agrees with the decoder: a row for what it accepts, and else errors for each faulty field."""
    body, inputs = json.dumps(document).encode(), Inputs(CONTRACT)
    found = DIAGNOSIS.of(body)
    try:
        row = inputs.row(body)
    except msgspec.DecodeError:
        assert isinstance(found, Fault)
        faulty = {error.pointer.removeprefix("#/").replace("~1", "/") for error in found.errors}
        expected = {each.name for each in CONTRACT.inputs if not acceptable(each, document)}
        assert faulty == expected | (document.keys() & {"worm"})  # an input may be missing: unknown fields are refused
    else:
        assert not isinstance(found, Fault)
        assert [float("nan") if value is None else float(value) for value in found] == pytest.approx(
            inputs.numbers(row), nan_ok=True
        )


def acceptable(each: Input, document: dict[str, Any]) -> bool:
    """Return whether the contract accepts the value of one input, by its own rules."""
    value = document.get(each.name)
    return each.missing if value is None else each.holds(value)
