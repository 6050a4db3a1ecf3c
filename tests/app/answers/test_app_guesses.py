"""The one mistake behind values out of bounds: named if it is plausible, and never made up."""

import json
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.answers.bundle_answers import BundleAnswers
from app.core.answer import Answer, Problem
from contract.reading import PENGUINS, read_contract
from contract.schema import Input
from score.bundle import Bundle
from score.guesses import Guess
from score.guesses import guess as guess_by
from tests.support.apples import INPUTS
from train.penguins import load

MEASUREMENTS = read_contract(PENGUINS).inputs
PROMISED = [(35, 55), (13, 20), (170, 230), (3000, 6000)]
LENGTHS = [measurement.name for measurement in MEASUREMENTS if measurement.unit == "mm"]
Handler = Callable[[bytes], Answer]


@dataclass(frozen=True)
class Bird:
    """A bird with its measurements in the order of the contract."""

    bill_length_mm: float
    bill_depth_mm: float
    flipper_length_mm: float
    body_mass_g: float

    def encoded(self) -> bytes:
        return json.dumps(vars(self)).encode()


ADELIE = Bird(39.1, 18.7, 181, 3750)
BIRDS = [Bird(*map(float, row)) for row in load().measurements.astype(str)]  # with the decimals of the file
birds = st.sampled_from(BIRDS)


@pytest.fixture(scope="module")
def handler(bundle: Bundle) -> Handler:
    return BundleAnswers(bundle.library, bundle.contract, bundle.version).predict


def guess(bird: Bird) -> Guess | None:
    return guess_by(MEASUREMENTS, astuple(bird))


def suggested(found: Guess) -> Bird:
    """Return the bird that a guess suggests, which has exactly the fields of a body."""
    assert list(found.suggestion) == list(vars(ADELIE))
    return Bird(**found.suggestion)


def faulty(bird: Bird) -> list[str]:
    bounds = {measurement.name: measurement.bounds for measurement in MEASUREMENTS}
    return [name for name, value in vars(bird).items() if not bounds[name][0] <= value <= bounds[name][1]]


@pytest.mark.parametrize(
    ("changed", "question"),
    [
        ({"body_mass_g": 3.75}, "body_mass_g 3.75 looks like kilograms: did you mean 3750?"),
        ({"body_mass_g": 8.27}, "body_mass_g 8.27 looks like pounds: did you mean 3751.21?"),
        ({"bill_length_mm": 3.91}, "bill_length_mm 3.91 looks like centimetres: did you mean 39.1?"),
        ({"bill_length_mm": 391}, "bill_length_mm 391 looks like a slipped decimal point: did you mean 39.1?"),
        ({"flipper_length_mm": 7.125}, "flipper_length_mm 7.125 looks like inches: did you mean 180.975?"),
        (
            {"bill_length_mm": 18.7, "bill_depth_mm": 39.1},
            "bill_length_mm 18.7 and bill_depth_mm 39.1 look swapped: did you mean 39.1 and 18.7?",
        ),
    ],
)
def test_one_mistake_is_named(handler: Handler, changed: dict[str, float], question: str) -> None:
    """The problem begins with a question, names the bound, and has the whole body that was meant."""
    answer = handler(replace(ADELIE, **changed).encoded())
    problem = msgspec.json.decode(answer.body, type=Problem)
    assert (answer.status, problem.status) == (400, 400)
    assert problem.detail.startswith(question)
    assert problem.detail.endswith("which no penguin has")
    assert problem.suggestion is not None
    assert tuple(problem.suggestion.values()) == pytest.approx(astuple(ADELIE), rel=1e-3)


def test_of_two_plausible_mistakes_none_is_named(handler: Handler) -> None:
    """The problem suggests nothing if two mistakes are possible: 6.1 may be kilograms or pounds."""
    bird = replace(ADELIE, body_mass_g=6.1)
    assert guess(bird) is None
    assert "suggestion" not in msgspec.json.decode(handler(bird.encoded()).body)


def test_what_nothing_explains_is_left_alone() -> None:
    """The problem suggests nothing if no unit explains the value, or if one bird has two slips."""
    assert guess(replace(ADELIE, bill_length_mm=700.0)) is None
    assert guess(replace(ADELIE, bill_length_mm=391.0, bill_depth_mm=1.87)) is None


@given(birds, st.sampled_from(["centimetres", "inches", "kilograms", "pounds"]))
def test_a_bird_in_another_unit_is_found_again(bird: Bird, unit: str) -> None:
    """A bird in another unit gets back the very bird, or no suggestion if only its mass is wrong."""
    factor = {"centimetres": 10, "inches": 25.4, "kilograms": 1000, "pounds": 453.59237}[unit]
    fields = LENGTHS if factor < 100 else ["body_mass_g"]
    wrong = replace(bird, **{name: getattr(bird, name) / factor for name in fields})
    assert faulty(wrong) == fields
    found = guess(wrong)
    if found is None:
        assert fields == ["body_mass_g"]
    else:
        assert astuple(suggested(found)) == pytest.approx(astuple(bird), rel=1e-5)
        assert unit in found.question


@given(birds, st.sampled_from(LENGTHS), st.sampled_from([0.01, 0.1, 10, 100]))
def test_a_slipped_point_is_found_again(bird: Bird, name: str, factor: float) -> None:
    """A slipped decimal point in one length gets back the very bird."""
    found = guess(replace(bird, **{name: getattr(bird, name) * factor}))
    assert found is not None
    assert astuple(suggested(found)) == pytest.approx(astuple(bird), rel=1e-5)


@given(birds, st.permutations([measurement.name for measurement in MEASUREMENTS]))
def test_swapped_fields_are_found_again(bird: Bird, names: list[str]) -> None:
    """Two swapped fields get back the very bird wherever the swap leaves the bounds."""
    one, other = names[:2]
    wrong = replace(bird, **{one: getattr(bird, other), other: getattr(bird, one)})
    found = guess(wrong) if faulty(wrong) else None
    if found:
        assert astuple(suggested(found)) == astuple(bird)
    if {one, other} & {"flipper_length_mm", "body_mass_g"}:
        assert found is not None


@given(st.builds(Bird, *[st.floats(0, 1e5)] * len(MEASUREMENTS)))
def test_a_suggestion_is_always_a_body_that_is_answered(bird: Bird) -> None:
    """A suggestion lies within every bound and keeps what was right, except the second field of a swap."""
    found = guess(bird) if faulty(bird) else None
    if found:
        assert not faulty(suggested(found))
        assert sum(a != b for a, b in zip(astuple(bird), astuple(suggested(found)), strict=True)) <= max(
            2, len(faulty(bird))
        )


@given(st.builds(Bird, *(st.floats(low, high) for low, high in PROMISED)))
def test_the_promised_ranges_are_never_refused(handler: Handler, bird: Bird) -> None:
    """The service answers every combination of measurements in the promised ranges."""
    assert handler(bird.encoded()).status == 200


def test_no_bird_on_record_is_refused(handler: Handler) -> None:
    """The service answers all 342 birds of the data, and all of them are typical."""
    assert len(BIRDS) == 342
    for bird in BIRDS:
        assert handler(bird.encoded()).status == 200
        for measurement, value in zip(MEASUREMENTS, astuple(bird), strict=True):
            assert measurement.typical is not None
            assert measurement.typical[0] <= value <= measurement.typical[1]


def test_other_kinds_are_never_guessed() -> None:
    """Missing values, booleans and categories stay as they are; a whole number is suggested for an integer."""
    found = guess_by(INPUTS, (0.1, 5.0, True, "Elstar", None, None))
    assert found is not None
    assert found.question == "weight 0.1 looks like kilograms: did you mean 100?"
    assert found.suggestion == {"weight": 100.0, "seeds": 5.0, "has stalk": True, "variety": "Elstar"}
    assert guess_by(INPUTS, (150.5, 45.0, True, "Elstar", None, None)) is None, "4.5 is no number of seeds"
    tenfold = guess_by(INPUTS, (150.5, 50.0, True, "Elstar", None, None))
    assert tenfold is not None
    assert tenfold.suggestion["seeds"] == 5
    swapped = guess_by(INPUTS, (9.0, 150.0, False, "Elstar", 10.0, "none"))
    assert swapped is not None
    assert swapped.question == "weight 9 and seeds 150 look swapped: did you mean 150 and 9?"


def test_a_value_without_a_typical_range_is_not_guessed() -> None:
    """Nothing is suggested for an input whose usual values nobody has stated."""
    inputs: list[Any] = [Input("length", unit="mm", minimum=1, maximum=10), Input("width", unit="mm", typical=(1, 2))]
    assert guess_by(inputs, (0.5, 1.5)) is None
    assert guess_by([Input(str(i), unit="mm", maximum=10, typical=(1, 9)) for i in range(9)], (90.0,) * 9) is None
