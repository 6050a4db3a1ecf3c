"""What a contract says about the answer."""

from typing import Any

import msgspec
import pytest

from contract.derived import LARGEST
from contract.schema import TAKEN_FIELDS, Output
from tests.contract.contracts import decoded

SURROGATE = "\ud800"  # half of a pair, which UTF-8 cannot hold


@pytest.mark.parametrize(
    ("refused", "told", "accepted"),
    [
        ({"kind": "classes"}, "classes, each once, found none", {"kind": "classes", "classes": ["a"]}),
        ({"kind": "label"}, "classes, each once, found none", {"kind": "label", "classes": ["a"]}),
        ({"classes": ["a", "b", "a"]}, "classes, each once, found a, b, a", {"classes": ["a", "b", "A"]}),
        (
            {"kind": "number", "classes": ["a"]},
            "classes, none, because its kind is number, found a",
            {"kind": "number"},
        ),
        (
            {"kind": "numbers", "names": ["a"], "classes": ["a"]},
            "classes, none, because its kind is numbers, found a",
            {"kind": "numbers", "names": ["a"]},
        ),
        ({"kind": "numbers"}, "names, each once, found none", {"kind": "numbers", "names": ["a"]}),
        (
            {"kind": "numbers", "names": ["a", "a"]},
            "names, each once, found a, a",
            {"kind": "numbers", "names": ["a", ""]},
        ),
        ({"kind": "number", "names": ["a"]}, "names, none, because its kind is number, found a", {"kind": "number"}),
        (
            {"classes": ["a"], "names": ["b"]},
            "names, none, because its kind is classes, found b",
            {"classes": ["a"]},
        ),
        (
            {"kind": "label", "classes": ["a"], "names": ["b"]},
            "names, none, because its kind is label, found b",
            {"kind": "label", "classes": ["a"]},
        ),
    ],
)
def test_an_output_that_contradicts_itself_is_refused(
    refused: dict[str, Any], told: str, accepted: dict[str, Any]
) -> None:
    """Classes and names belong to their kinds, each once."""
    with pytest.raises(msgspec.ValidationError, match=f"^output: expected {told}"):
        decoded(Output, **refused)
    decoded(Output, **accepted)


def answering(kind: Any, field: str, name: str) -> Output:
    """Return an output of this kind with one name, which was not decoded."""
    fields: dict[str, Any] = {field: (name,)}
    return Output(kind, **fields)


@pytest.mark.parametrize(("kind", "field"), [("classes", "classes"), ("label", "classes"), ("numbers", "names")])
def test_names_that_cannot_be_sent_are_refused(kind: Any, field: str) -> None:
    """A lone surrogate is refused, because UTF-8 cannot hold it. A pair of them is one character."""
    with pytest.raises(ValueError, match=f"output: expected {field} of characters that UTF-8 can hold, found '.ud800'"):
        answering(kind, field, SURROGATE)
    answering(kind, field, "\U0001f427")


@pytest.mark.parametrize("label", TAKEN_FIELDS)
def test_a_label_that_is_a_field_of_every_answer_is_refused(label: str) -> None:
    """A label that would overwrite another field, or a label of metrics, is refused by name."""
    with pytest.raises(msgspec.ValidationError, match=f"output: expected another label than '{label}', which is a"):
        decoded(Output, classes=["a"], label=label)
    assert decoded(Output, classes=["a"], label=f"{label}_").label == f"{label}_"


@pytest.mark.parametrize("label", ["", "1a", "a-b", "a b", "é", "a\n", "x" * 65])
def test_a_label_that_metrics_cannot_have_is_refused(label: str) -> None:
    """A label must be a word that Prometheus accepts."""
    with pytest.raises(msgspec.ValidationError, match=r"at `\$.label`"):
        decoded(Output, classes=["a"], label=label)


@pytest.mark.parametrize("tolerance", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_is_a_finite_distance(tolerance: float) -> None:
    """A tolerance below 0 or without end is refused."""
    with pytest.raises(msgspec.ValidationError, match=r"at `\$.tolerance`"):
        decoded(Output, kind="number", tolerance=tolerance)
    for accepted in (0, LARGEST):
        decoded(Output, kind="number", tolerance=accepted)


@pytest.mark.parametrize("fields", [{"kind": "text"}, {"kind": "number", "unit": 1}, {"kind": "number", "class": "a"}])
def test_what_is_no_output_is_refused(fields: dict[str, Any]) -> None:
    """An unknown kind or field, or a value of another type, is refused."""
    with pytest.raises(msgspec.ValidationError):
        decoded(Output, **fields)


@pytest.mark.parametrize("names", [("Iris-setosa", "class", ""), ("\n", '"', "\u00e9", "e\u0301"), ("x" * 10_000,)])
def test_any_text_names_a_class(names: tuple[str, ...]) -> None:
    """A class may have any text as its name, not only an identifier."""
    assert decoded(Output, classes=names).classes == names


@pytest.mark.parametrize(
    ("made", "classed", "values"),
    [
        (Output("classes", classes=("a", "b")), True, ("a", "b")),
        (Output("label", classes=("a", "b")), True, ("decision",)),
        (Output("number"), False, ("prediction",)),
        (Output("numbers", names=("low", "high")), False, ("low", "high")),
    ],
)
def test_the_values_of_the_library_are_named(made: Output, classed: bool, values: tuple[str, ...]) -> None:
    """Probabilities have the names of the classes, numbers their own; a single value has a name of its kind."""
    assert (made.classed, made.values) == (classed, values)
