from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, astuple, replace

from app.answers.guesses import guess
from app.answers.predict import predictor
from app.core.answer import Answer, Problem
from app.model.bundle import Bundle
from app.model.serving import Served, Serving
from contract.measurements import MEASUREMENTS, Measurements
from train.penguins import load

ADELIE = Measurements(39.1, 18.7, 181, 3750)
BIRDS = [Measurements(*map(float, row)) for row in load().measurements.astype(str)]  # with the decimals of the file
PROMISED = [(35, 55), (13, 20), (170, 230), (3000, 6000)]
LENGTHS = [measurement.name for measurement in MEASUREMENTS if measurement.unit == "mm"]

birds = st.sampled_from(BIRDS)
Handler = Callable[[bytes], Answer]


@pytest.fixture(scope="module")
def handler(bundle: Bundle) -> Handler:
    return predictor(Serving(Served(bundle.library, bundle.version)))


def faulty(bird: Measurements) -> list[str]:
    bounds = {measurement.name: (measurement.minimum, measurement.maximum) for measurement in MEASUREMENTS}
    return [name for name, value in asdict(bird).items() if not bounds[name][0] <= value <= bounds[name][1]]


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
    answer = handler(msgspec.json.encode(replace(ADELIE, **changed)))
    problem = msgspec.json.decode(answer.body, type=Problem)
    assert (answer.status, problem.status) == (400, 400)
    assert problem.detail.startswith(question)
    assert problem.detail.endswith("which no penguin has")
    assert problem.suggestion is not None
    assert astuple(problem.suggestion) == pytest.approx(astuple(ADELIE), rel=1e-3)


def test_of_two_plausible_mistakes_none_is_named(handler: Handler) -> None:
    """The problem suggests nothing if two mistakes are possible: 6.1 may be kilograms or pounds."""
    bird = replace(ADELIE, body_mass_g=6.1)
    assert guess(bird) is None
    assert "suggestion" not in msgspec.json.decode(handler(msgspec.json.encode(bird)).body)


def test_what_nothing_explains_is_left_alone() -> None:
    """The problem suggests nothing if no unit explains the value, or if one bird has two slips."""
    assert guess(replace(ADELIE, bill_length_mm=700.0)) is None
    assert guess(replace(ADELIE, bill_length_mm=391.0, bill_depth_mm=1.87)) is None


@given(birds, st.sampled_from(["centimetres", "inches", "kilograms", "pounds"]))
def test_a_bird_in_another_unit_is_found_again(bird: Measurements, unit: str) -> None:
    """A bird in another unit gets back the very bird, or no suggestion if only its mass is wrong."""
    factor = {"centimetres": 10, "inches": 25.4, "kilograms": 1000, "pounds": 453.59237}[unit]
    fields = LENGTHS if factor < 100 else ["body_mass_g"]
    wrong = replace(bird, **{name: getattr(bird, name) / factor for name in fields})
    assert faulty(wrong) == fields
    found = guess(wrong)
    if found is None:
        assert fields == ["body_mass_g"]
    else:
        assert astuple(found.suggestion) == pytest.approx(astuple(bird), rel=1e-5)
        assert unit in found.question


@given(birds, st.sampled_from(LENGTHS), st.sampled_from([0.01, 0.1, 10, 100]))
def test_a_slipped_point_is_found_again(bird: Measurements, name: str, factor: float) -> None:
    """A slipped decimal point in one length gets back the very bird."""
    found = guess(replace(bird, **{name: getattr(bird, name) * factor}))
    assert found is not None
    assert astuple(found.suggestion) == pytest.approx(astuple(bird), rel=1e-5)


@given(birds, st.permutations([measurement.name for measurement in MEASUREMENTS]))
def test_swapped_fields_are_found_again(bird: Measurements, names: list[str]) -> None:
    """Two swapped fields get back the very bird wherever the swap leaves the bounds."""
    one, other = names[:2]
    wrong = replace(bird, **{one: getattr(bird, other), other: getattr(bird, one)})
    found = guess(wrong) if faulty(wrong) else None
    if found:
        assert astuple(found.suggestion) == astuple(bird)
    if {one, other} & {"flipper_length_mm", "body_mass_g"}:
        assert found is not None


@given(st.builds(Measurements, *[st.floats(0, 1e5)] * len(MEASUREMENTS)))
def test_a_suggestion_is_always_a_body_that_is_answered(bird: Measurements) -> None:
    """A suggestion lies within every bound and keeps what was right, except the second field of a swap."""
    found = guess(bird) if faulty(bird) else None
    if found:
        assert not faulty(found.suggestion)
        assert sum(a != b for a, b in zip(astuple(bird), astuple(found.suggestion), strict=True)) <= max(
            2, len(faulty(bird))
        )


@given(st.builds(Measurements, *(st.floats(low, high) for low, high in PROMISED)))
def test_the_promised_ranges_are_never_refused(handler: Handler, bird: Measurements) -> None:
    """The service answers every combination of measurements in the promised ranges."""
    assert handler(msgspec.json.encode(bird)).status == 200


def test_no_bird_on_record_is_refused(handler: Handler) -> None:
    """The service answers all 342 birds of the data, and all of them are typical."""
    assert len(BIRDS) == 342
    for bird in BIRDS:
        assert handler(msgspec.json.encode(bird)).status == 200
        for measurement, value in zip(MEASUREMENTS, astuple(bird), strict=True):
            assert measurement.typical[0] <= value <= measurement.typical[1]
