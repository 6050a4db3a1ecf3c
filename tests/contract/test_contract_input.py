"""What a contract says about one input: whatever contradicts itself is refused by name, and its neighbour is not."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.derived import LARGEST
from contract.schema import Input
from tests.contract.contracts import decoded, inputs

NUMERIC = "without unit, minimum, maximum, typical and error"
BOUNDED = {"minimum": 0, "maximum": 9}
TOO_LARGE = 3.4028236e38
WHOLE = "whole numbers as bounds, because its kind is integer"


@pytest.mark.parametrize(
    ("refused", "told", "accepted"),
    [
        ({"kind": "boolean", "unit": "mm"}, f"a boolean {NUMERIC}", {"kind": "boolean"}),
        ({"kind": "boolean", "minimum": 0}, f"a boolean {NUMERIC}", {"kind": "integer", "minimum": 0}),
        ({"kind": "boolean", "maximum": 1}, f"a boolean {NUMERIC}", {"kind": "integer", "maximum": 1}),
        ({"kind": "boolean", "typical": [0, 1]}, f"a boolean {NUMERIC}", {"kind": "integer", "typical": [0, 1]}),
        ({"kind": "boolean", "error": 1}, f"a boolean {NUMERIC}", {"kind": "boolean", "error": 0}),
        ({"kind": "boolean", "categories": ["a"]}, "no categories, because its kind is boolean", {"kind": "boolean"}),
        (
            {"kind": "category", "categories": ["a"], "unit": "mm"},
            f"a category {NUMERIC}",
            {"kind": "category", "categories": ["a"]},
        ),
        ({"kind": "category"}, "categories, each once, found none", {"kind": "category", "categories": [""]}),
        (
            {"kind": "category", "categories": ["a", "b", "a"]},
            "categories, each once, found a, b, a",
            {"kind": "category", "categories": ["a", "b", "A"]},
        ),
        ({"categories": ["a"]}, "no categories, because its kind is number", {"categories": []}),
        ({"kind": "integer", "categories": ["a"]}, "no categories, because its kind is integer", {"kind": "integer"}),
        ({"error": -1}, "an error of 0 or more, found -1", {"error": 0}),
        ({"error": float("nan")}, "numbers that a float32 can hold, found nan", {"error": LARGEST}),
        ({"minimum": 2, "maximum": 1}, "a minimum of at most its maximum, found 2 and 1", {"minimum": 1, "maximum": 1}),
        ({"minimum": float("nan")}, "numbers that a float32 can hold, found nan", {"minimum": -LARGEST}),
        ({"minimum": float("inf")}, "numbers that a float32 can hold, found inf", {"minimum": LARGEST}),
        ({"maximum": TOO_LARGE}, r"numbers that a float32 can hold, found 3\.4028236e\+38", {"maximum": LARGEST}),
        ({"maximum": 10**400}, "found 1000000", BOUNDED),
        ({"typical": [float("-inf"), 1]}, "numbers that a float32 can hold, found -inf", {"typical": [-LARGEST, 1]}),
        ({"example": float("inf")}, "numbers that a float32 can hold, found inf", {"example": LARGEST}),
        ({"kind": "integer", "minimum": 0.5}, f"{WHOLE}, found 0.5 and None", {"kind": "integer", "minimum": 1.0}),
        ({"kind": "integer", "maximum": 0.5}, f"{WHOLE}, found None and 0.5", {"kind": "integer", "maximum": -3}),
        (
            {**BOUNDED, "typical": [-1, 3]},
            "bounds that contain the typical range, found 0 to 9, typical -1 to 3",
            {**BOUNDED, "typical": [0, 3]},
        ),
        (
            {**BOUNDED, "typical": [3, 10]},
            "bounds that contain the typical range, found 0 to 9, typical 3 to 10",
            {**BOUNDED, "typical": [3, 9]},
        ),
        ({"typical": [2, 1]}, "bounds that contain the typical range, found -inf to inf", {"typical": [1, 1]}),
        ({**BOUNDED, "example": 10}, "an example that clients may send, found 10", {**BOUNDED, "example": 9}),
        ({"kind": "integer", "example": 1.5}, "may send, found 1.5", {"kind": "integer", "example": 1.0}),
        ({"example": True}, "may send, found True", {"example": 1}),
        ({"kind": "boolean", "example": 1}, "may send, found 1", {"kind": "boolean", "example": True}),
        (
            {"kind": "category", "categories": ["a"], "example": "b"},
            "may send, found 'b'",
            {"kind": "category", "categories": ["a"], "example": "a"},
        ),
    ],
)
def test_an_input_that_contradicts_itself_is_refused(
    refused: dict[str, Any], told: str, accepted: dict[str, Any]
) -> None:
    """The refusal names the input and what was expected. The nearest input without the contradiction is accepted."""
    with pytest.raises(msgspec.ValidationError, match=f"^input 'x': expected .*{told}"):
        decoded(Input, name="x", **refused)
    decoded(Input, name="x", **accepted)


@pytest.mark.parametrize(
    "fields",
    [
        *({}, {"name": ""}, {"name": 'a"b'}, {"name": "a\\b"}, {"name": "a\nb"}, {"name": "x", "kind": "text"}),
        *({"name": "x", "typical": [1]}, {"name": "x", "unit": None}, {"name": "x", "missing": 1}),
        *({"name": "x", "error": "1"}, {"name": "x", "minimum": "1"}, {"name": "x", "colour": "red"}),
    ],
)
def test_what_is_no_input_is_refused(fields: dict[str, Any]) -> None:
    """A name that no JSON key can be matched with, an unknown kind or field, or a value of another type is refused."""
    with pytest.raises(msgspec.ValidationError):
        decoded(Input, **fields)


@pytest.mark.parametrize("name", [" ", "a b", "é", "1", "a/b", "bill_length_mm", "x" * 1000])
def test_any_other_text_names_an_input(name: str) -> None:
    """An input may have any name that is a JSON key without escapes."""
    assert decoded(Input, name=name).name == name


@given(st.data())
def test_clients_may_send_the_sample(data: st.DataObject) -> None:
    """Every input has a sample that clients may send, and a finite number that the model gets for it."""
    made = data.draw(inputs("x"))
    assert made.holds(made.sample)
    low, high = made.bounds
    assert low <= made.number(made.sample) <= high


@pytest.mark.parametrize(
    ("made", "value", "held", "number"),
    [
        (Input("x", minimum=0, maximum=9), 9, True, 9.0),
        (Input("x", minimum=0, maximum=9), 9.5, False, None),
        (Input("x"), float("nan"), False, None),
        (Input("x"), True, False, None),
        (Input("x"), "1", False, None),
        (Input("x", "integer"), 2.0, True, 2.0),
        (Input("x", "integer"), 2.5, False, None),
        (Input("x", "boolean"), True, True, 1.0),
        (Input("x", "boolean"), 1, False, None),
        (Input("x", "category", categories=("a", "b")), "b", True, 1.0),
        (Input("x", "category", categories=("a", "b")), "c", False, None),
        (Input("x", "category", categories=("a", "b")), 1, False, None),
    ],
)
def test_a_value_is_held_by_its_kind(made: Input, value: object, held: bool, number: float | None) -> None:
    """A number is within bounds, an integer whole, a boolean no number, a category one of its names."""
    assert made.holds(value) == held
    assert number is None or made.number(value) == number


def test_a_missing_value_is_nan_for_the_model() -> None:
    """The model gets NaN for None."""
    number = Input("x", missing=True).number(None)
    assert number != number


@pytest.mark.parametrize(
    ("made", "sample"),
    [
        (Input("x"), 0),
        (Input("x", minimum=20, maximum=80), 20),
        (Input("x", maximum=-4), -4),
        (Input("x", minimum=20, typical=(30, 60)), 30),
        (Input("x", example=39.1), 39.1),
        (Input("x", "integer", typical=(0.5, 3)), 0),
        (Input("x", "boolean"), False),
        (Input("x", "category", categories=("b", "a")), "b"),
    ],
)
def test_a_sample_is_the_example_or_the_nearest_usual_value_to_0(made: Input, sample: object) -> None:
    """Without an example the sample is 0, or the value nearest to it that is typical or in bounds."""
    assert made.sample == sample


def test_a_unit_may_be_absent() -> None:
    """An amount without a unit has no blank in its place."""
    assert [Input("x", unit=unit).in_unit("1") for unit in ("g", "")] == ["1 g", "1"]
