"""Categories in the body of a request: known ones, unknown ones, and what was probably meant."""

import json

import numpy as np
import pytest

from contract.schema import Contract, Input, Output
from score.faults import Diagnosis, Fault, is_close
from score.inputs import Inputs

ISLANDS = ("Biscoe", "Dream", "Torgersen")
REFUSING = Inputs(
    Contract(
        "x",
        (Input("island", "category", categories=ISLANDS), Input("code", "category", categories=(3, 9))),
        Output(classes=("a", "b")),
    )
)
FORGIVING = Inputs(
    Contract(
        "x",
        (
            Input("island", "category", categories=ISLANDS, unseen="missing"),
            Input("code", "category", categories=(3, 9), unseen="missing"),
        ),
        Output(classes=("a", "b")),
    )
)


def test_a_category_is_its_index() -> None:
    """Texts and integers become their places in the contract's list."""
    assert REFUSING.numbers(REFUSING.row(b'{"island": "Torgersen", "code": 3}')) == (2.0, 0.0)


@pytest.mark.parametrize("body", [{"island": "Ross", "code": 4}, {"island": "", "code": -(2**40)}])
def test_an_unknown_category_is_missing_where_the_contract_forgives(body: dict[str, object]) -> None:
    """The model gets NaN for what it has never seen, if the contract says so."""
    assert np.isnan(FORGIVING.numbers(FORGIVING.row(json.dumps(body).encode()))).all()


@pytest.mark.parametrize(
    ("island", "told"),
    [
        ("Torgerson", "expected one of Biscoe, Dream, Torgersen, found \"Torgerson\"; did you mean 'Torgersen'?"),
        ("dream ", "found \"dream \"; did you mean 'Dream'?"),
        ("Ross", 'expected one of Biscoe, Dream, Torgersen, found "Ross"'),
        (1, "expected one of Biscoe, Dream, Torgersen, found 1"),
        (None, "expected one of Biscoe, Dream, Torgersen, found null"),
    ],
)
def test_an_unknown_category_is_refused_by_name(island: object, told: str) -> None:
    """The refusal lists the known categories, and asks about the only one that is close."""
    fault = Diagnosis(REFUSING).of(json.dumps({"island": island, "code": 3}).encode())
    assert isinstance(fault, Fault)
    assert told in fault.detail


@pytest.mark.parametrize(
    ("one", "other", "close"),
    [
        ("Biscoe", "biscoe", True),
        ("Biscoe", "Bicsoe", True),
        ("Biscoe", "Bisco", True),
        ("Biscoe", "Biscoee", True),
        ("Biscoe", "Biskoe", True),
        ("Biscoe", "Bsceo", False),
        ("", "a", True),
        ("ab", "cd", False),
    ],
)
def test_what_is_close(one: str, other: str, close: bool) -> None:
    """Texts are close if they differ by case, one character, or two neighbours that are swapped."""
    assert is_close(one, other) is close
    assert is_close(other, one) is close
