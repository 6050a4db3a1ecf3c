"""The contract of a model as a whole: its rules, its JSON, and how two of them differ."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.derived import Derived, Projection, Ratio
from contract.manifest import encode
from contract.reading import PENGUINS, read_contract
from contract.schema import MAX_LISTED, Contract, Input, Output, decode_contract, difference, listed
from tests.contract.contracts import contract, contracts, decoded

PENGUIN = read_contract(PENGUINS)
TWO = (Input("a"), Input("b"))


def test_the_order_of_species_is_the_published_one() -> None:
    """Prediction 2 is an Adelie for every client."""
    assert PENGUIN.output == Output("classes", ("Gentoo", "Chinstrap", "Adelie"), "species")


def test_bounds_hold_every_measurement_a_client_was_promised() -> None:
    """The bounds contain the promised ranges, in the promised units."""
    promised = [("mm", 35, 55), ("mm", 13, 20), ("mm", 170, 230), ("g", 3000, 6000)]
    for each, (unit, low, high) in zip(PENGUIN.inputs, promised, strict=True):
        assert each.unit == unit
        assert each.holds(low)
        assert each.holds(high)


@given(contracts())
def test_a_contract_comes_back_from_json(made: Contract) -> None:
    """A contract, encoded as in a bundle, decodes to the same contract, and encodes to the same bytes again."""
    data = encode(made)
    assert decode_contract(data) == made
    assert encode(decode_contract(data)) == data


@given(st.binary(max_size=400), st.integers(0), st.integers(0))
def test_damaged_json_is_refused_as_no_contract(junk: bytes, at: int, length: int) -> None:
    """Bytes that are no contract raise only the errors that a reader of bundles catches."""
    data = encode(PENGUIN)
    at %= len(data)
    damaged = data[:at] + junk + data[at + length % 400 :]
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        decode_contract(damaged)


@pytest.mark.parametrize(
    ("derived", "told"),
    [
        ((Ratio("a", "c"),), "derived 'a/c': expected inputs that are numbers, found c"),
        ((Ratio("c", "d", "odd"),), "derived 'odd': expected inputs that are numbers, found c, d"),
        ((Ratio("a", "flag"),), "derived 'a/flag': expected inputs that are numbers, found flag"),
        ((Ratio("kind", "a"),), "derived 'kind/a': expected inputs that are numbers, found kind"),
        ((Projection("p", {"a": 1, "c": 1}),), "derived 'p': expected inputs that are numbers, found c"),
        ((Ratio("a", "b"), Ratio("a/b", "b")), "derived 'a/b/b': expected inputs that are numbers, found a/b"),
    ],
)
def test_a_derived_feature_needs_inputs_that_are_numbers(derived: tuple[Derived, ...], told: str) -> None:
    """A derived feature of an unknown input, of a flag, of a category or of another one is refused by name."""
    inputs = (*TWO, Input("flag", "boolean"), Input("kind", "category", categories=("u", "v")))
    with pytest.raises(ValueError, match=told):
        contract(*inputs, derived=derived)
    contract(*inputs, Input("n", "integer"), derived=(Ratio("a", "b"), Projection("p", {"n": 1, "b": 1})))


@pytest.mark.parametrize(
    ("inputs", "derived", "twice"),
    [
        ((*TWO, Input("a")), (), "a"),
        ((*TWO, *TWO), (), "a, b"),
        (TWO, (Ratio("a", "b", "b"),), "b"),
        (TWO, (Ratio("a", "b"), Ratio("a", "b")), "a/b"),
        ((*TWO, Input("a/b")), (Ratio("a", "b"),), "a/b"),
        (TWO, (Projection("p", {"a": 1}), Projection("p", {"b": 1})), "p"),
    ],
)
def test_each_feature_has_a_name_of_its_own(
    inputs: tuple[Input, ...], derived: tuple[Derived, ...], twice: str
) -> None:
    """A name that is there twice is refused, among inputs and among derived features."""
    with pytest.raises(ValueError, match=f"expected names of inputs and derived features, each once, found .*{twice}$"):
        contract(*inputs, derived=derived)
    contract(*TWO, derived=(Ratio("a", "b"), Ratio("b", "a"), Ratio("a", "b", "c")))


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"name": ""}, r"at `\$.name`"),
        ({"name": "a/b"}, r"at `\$.name`"),
        ({"name": ".a"}, r"at `\$.name`"),
        ({"name": "a\n"}, r"at `\$.name`"),
        ({"name": "x" * 65}, r"at `\$.name`"),
        ({"inputs": []}, r"at `\$.inputs`"),
        ({"inputs": {"name": "a"}}, r"at `\$.inputs`"),
        ({"output": None}, r"at `\$.output`"),
        ({"derived": [{"kind": "product"}]}, r"at `\$.derived\[0\].kind`"),
        ({"colour": "red"}, "unknown field `colour`"),
    ],
)
def test_what_is_no_contract_is_refused(fields: dict[str, Any], place: str) -> None:
    """A contract without inputs, or whose name is no part of a URL, is refused."""
    sound = {"name": "A.b-c_1", "inputs": [{"name": "a"}], "output": {"kind": "number"}}
    with pytest.raises(msgspec.ValidationError, match=place):
        decoded(Contract, **{**sound, **fields})
    decoded(Contract, **sound)


def test_the_answer_has_names_among_the_variables_of_drift() -> None:
    """An input that is named like the answer does not hide it."""
    assert (PENGUIN.label_variable, PENGUIN.confidence_variable) == ("species", "confidence")
    taken = contract(Input("prediction"), Input("confidence"), Input("confidence_of_answer"))
    assert taken.label_variable == "prediction_of_answer"
    assert taken.confidence_variable == "confidence_of_answer_of_answer"


def test_the_sample_row_is_in_numbers() -> None:
    """The sample row has a number for each input, as the model gets it."""
    made = contract(Input("a", minimum=2), Input("b", "boolean"), Input("c", "category", categories=("u", "v")))
    assert made.sample_numbers == [2.0, 0.0, 0.0]


@given(contracts())
def test_a_contract_does_not_differ_from_itself(made: Contract) -> None:
    """A contract that has been written and read is the same contract."""
    assert difference(made, decode_contract(encode(made))) is None


def changed(place: int, **fields: Any) -> Contract:
    """Return the penguins' contract with another input."""
    inputs = list(PENGUIN.inputs)
    inputs[place] = msgspec.structs.replace(inputs[place], **fields)
    return msgspec.structs.replace(PENGUIN, inputs=tuple(inputs))


def answering(**fields: Any) -> Contract:
    """Return the penguins' contract with another output."""
    return msgspec.structs.replace(PENGUIN, output=msgspec.structs.replace(PENGUIN.output, **fields))


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (
            msgspec.structs.replace(PENGUIN, inputs=PENGUIN.inputs[::-1], derived=()),
            "expected inputs bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g; found body_mass_g, "
            "flipper_length_mm, bill_depth_mm, bill_length_mm",
        ),
        (changed(3, kind="integer"), "expected kind of input 'body_mass_g' to be 'number'; found 'integer'"),
        (changed(0, unit="in"), "expected unit of input 'bill_length_mm' to be 'mm'; found 'in'"),
        (changed(0, minimum=21), "expected minimum of input 'bill_length_mm' to be 20; found 21"),
        (changed(1, maximum=None), "expected maximum of input 'bill_depth_mm' to be 30; found None"),
        (changed(2, missing=True), "expected missing of input 'flipper_length_mm' to be False; found True"),
        (answering(kind="label"), "expected output kind classes; found label"),
        (
            answering(classes=("Adelie", "Gentoo", "Chinstrap")),
            "expected output classes Gentoo, Chinstrap, Adelie; found Adelie, Gentoo, Chinstrap",
        ),
        (answering(label="class"), "expected output label species; found class"),
        (answering(unit="mm"), "expected output unit ; found mm"),
    ],
)
def test_what_differs_for_a_client_is_told_in_words(other: Contract, told: str) -> None:
    """A difference of contracts names the first field with both values."""
    assert difference(PENGUIN, other) == told


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (
            contract(Input("x", "category", categories=("a", "b"))),
            contract(Input("x", "category", categories=("b", "a"))),
            "expected categories of input 'x' to be ('a', 'b'); found ('b', 'a')",
        ),
        (
            contract(output=Output("numbers", names=("low", "high"))),
            contract(output=Output("numbers", names=("low", "high", "mean"))),
            "expected output names low, high; found low, high, mean",
        ),
    ],
)
def test_categories_and_names_of_numbers_are_compared(one: Contract, other: Contract, told: str) -> None:
    """The order of categories and of numbers is part of the contract."""
    assert difference(one, other) == told


def test_what_belongs_to_the_model_may_differ() -> None:
    """Name, texts, typical ranges, errors, examples, tolerance and derived features are no difference for a client."""
    for other in (
        changed(0, typical=(30, 70), error=1, description="d", example=40),
        msgspec.structs.replace(PENGUIN, name="gull", title="t", summary="s", row="r", subject="u"),
        msgspec.structs.replace(PENGUIN, derived=PENGUIN.derived[:1]),
        answering(tolerance=1.0),
    ):
        assert other != PENGUIN
        assert difference(PENGUIN, other) is None


def test_names_that_are_no_words_are_in_quotes() -> None:
    """Names that are no words are quoted and cannot break a line. Of many, the first ones are listed."""
    assert listed(("a/b", "Adélie", "Iris-setosa")) == "a/b, Adélie, Iris-setosa"
    assert listed(("", "a, b", "c\n")) == r"'', 'a, b', 'c\n'"
    assert listed(()) == "none"
    assert listed(["n"] * MAX_LISTED) == ", ".join(["n"] * MAX_LISTED)
    assert listed(["n"] * (MAX_LISTED + 2)).endswith("n, n, and 2 more")
