"""Explanations of inputs around zero, of very large integers, and of many inputs; a library in Python is the oracle."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.explanation.features import features_of
from app.explanation.flips import Flip, Flips
from app.explanation.paths import Paths
from app.explanation.scales import INFINITE, LARGEST, Scale, exact, float32
from app.explanation.survival import Survival
from contract.derived import Projection, Ratio
from contract.schema import Contract, Input, Output
from contract.trees import Forest, Tree

Row = tuple[float, ...]

AROUND_ZERO = Contract(
    name="zero",
    inputs=(Input("a", minimum=-2, maximum=2, error=0.3, missing=True), Input("b", minimum=-2, maximum=2)),
    derived=(Ratio("a", "b"), Projection("sum", {"a": 0.5, "b": -1.5})),
    output=Output(classes=("below", "above")),
)


def stumps(thresholds: list[float], features: int, outputs: int = 2) -> Forest:
    """Make trees of one split each, over all features in turn."""
    chance = np.random.default_rng(1)
    trees = [
        Tree(
            output=number % outputs,
            left=(1, -1, -1),
            right=(2, -1, -1),
            feature=(number % features, 0, 0),
            value=(threshold, *chance.normal(size=2).tolist()),
            cover=(2.0, 1.0, 1.0),
            missing_left=(number % 3 > 0, False, False),
        )
        for number, threshold in enumerate(thresholds)
    ]
    return Forest("", (0.0,) * outputs, tuple(trees))


def library(forest: Forest, derived: Callable[[list[np.float32]], list[np.float32]]) -> Callable[[Row], int]:
    """Return a library in numpy: the label of a row. `derived` computes all features in float32."""

    def predict(row: Row) -> int:
        with np.errstate(all="ignore"):
            seen = derived([np.float32(exact(value)) for value in row])
        margins = [0.0] * max(2, len(forest.base_margins))
        for tree in forest.trees:
            value = seen[tree.feature[0]]
            left = tree.missing_left[0] if np.isnan(value) else value < np.float32(tree.value[0])
            margins[tree.output] += tree.value[1 if left else 2]
        return int(np.argmax(margins))

    return predict


def zero_features(values: list[np.float32]) -> list[np.float32]:
    a, b = values
    return [a, b, a / b, a * np.float32(0.5) + b * np.float32(-1.5)]


def differ(one: int, other: int) -> bool:
    return one != other


def rows_around_zero() -> Iterator[Row]:
    chance = np.random.default_rng(2)
    yield from ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (-1.0, 0.0), (float("nan"), 0.0), (float("nan"), 1.5))
    yield from map(tuple, chance.uniform(-2, 2, (40, 2)).astype(np.float32).tolist())


@pytest.fixture(scope="module")
def around_zero() -> tuple[Forest, Callable[[Row], int]]:
    forest = stumps(np.random.default_rng(1).normal(size=40).astype(np.float32).tolist(), 4)
    return forest, library(forest, zero_features)


def test_values_around_zero_are_explained(around_zero: tuple[Forest, Callable[[Row], int]]) -> None:
    """An answer turns where it is said to, although a ratio is infinite or missing at zero."""
    forest, predict = around_zero
    flips, chance = Flips(forest, AROUND_ZERO, predict, differ), np.random.default_rng(3)
    found: list[Flip[int] | None] = []
    for row in rows_around_zero():
        for place in (0, 1):
            pair = flips.of(row, place)
            found += pair
            for flip, bound in zip(pair, (-2.0, 2.0), strict=True):
                if row[place] == row[place]:
                    check_flip(predict, row, place, flip, bound, chance)
                else:
                    assert flip is None
    assert None in found
    assert any(found)


def check_flip(
    predict: Callable[[Row], int],
    row: Row,
    place: int,
    flip: Flip[int] | None,
    bound: float,
    chance: np.random.Generator,
) -> None:
    """Check that the answer turns at the flip, and nowhere between the row and it."""

    def at(value: float) -> int:
        return predict((*row[:place], float(np.float32(value)), *row[place + 1 :]))

    end, label = bound, predict(row)
    if flip is not None:
        assert at(flip.value) == flip.answer != label
        end = float(np.nextafter(np.float32(flip.value), np.float32(row[place]))) + 0.0
    between = [row[place], end, *(row[place] + share * (end - row[place]) for share in chance.random(30))]
    between += [0.0] if min(row[place], end) <= 0 <= max(row[place], end) else []
    assert all(at(value) == label for value in between), (row, place, flip)


def test_survival_around_zero_is_proved(around_zero: tuple[Forest, Callable[[Row], int]]) -> None:
    """True means that no row within the errors has another answer, at zero and without a value too."""
    forest, predict = around_zero
    survival, chance, found = Survival(Paths(forest), AROUND_ZERO, predict), np.random.default_rng(4), set()
    for row in rows_around_zero():
        survives = survival.of(row)
        found.add(survives)
        if survives:
            near = [min(max(row[0] + share * 0.3, -2), 2) for share in (-1, 1, *chance.uniform(-1, 1, 50))]
            near += [0.0] if abs(row[0]) <= 0.3 else []
            assert all(predict((value, row[1])) == predict(row) for value in near), row
    assert {True, False} <= found


VALUES = st.floats(width=32) | st.sampled_from([0.0, -0.0, float32(1e38), float32(-3e38), LARGEST])


@given(VALUES, VALUES)
@example(math.inf, math.inf)
@example(-math.inf, 0.0)
@example(0.0, -0.0)
@example(LARGEST, 1e-45)
def test_features_are_float32_s(a: float, b: float) -> None:
    """A ratio and a projection equal numpy's in float32, with infinities, 0/0 and missing values."""
    with np.errstate(all="ignore"):
        expected = zero_features([np.float32(a), np.float32(b)])
    numbers = [math.copysign(INFINITE, value) if math.isinf(value) else value for value in (a, b)]
    found = [exact(feature.value(numbers)) for feature in features_of(AROUND_ZERO)]
    assert np.array_equal(np.array(found, np.float32), np.array(expected, np.float32), equal_nan=True)


LATE = 1_600_000_000  # a time in seconds: beyond the integers that are all float32 values


@pytest.mark.parametrize(
    "each",
    [
        Input("time", "integer", minimum=LATE),
        Input("time", "integer", minimum=0, maximum=2 * LATE),
        Input("time", "integer", minimum=-2 * LATE, maximum=2 * LATE, error=1_000),
        Input("time", "integer", minimum=10**30),
        Input("time", "integer", maximum=-LATE),
        Input("time", "integer"),
    ],
)
def test_large_integers_are_explained(each: Input) -> None:
    """Integers beyond 2 to the power of 24 are explained as the library rounds them, within their bounds."""
    contract = Contract(name="late", inputs=(each,), output=Output(classes=("a", "b")))
    forest = stumps([float(np.float32(LATE + 1_000_000)), float(np.float32(-LATE - 1_000_000)), 5.0, -5.0], 1)
    predict = library(forest, lambda values: values)
    flips, survival, (low, high) = (
        Flips(forest, contract, predict, differ),
        Survival(Paths(forest), contract, predict),
        each.bounds,
    )
    for value in (LATE, LATE + 10**6 - 65, LATE + 10**6, 2 * LATE, -LATE, -2 * LATE, 0, 7, 10**30, 10**40):
        if not low <= value <= high:
            continue
        row = (float(np.float32(min(value, 10**38))),)
        assert survival.of(row) in (True, False)
        for flip, below in zip(flips.of(row, 0), (True, False), strict=True):
            if flip is not None:
                assert (flip.value < row[0]) == below
                assert predict((flip.value,)) == flip.answer != predict(row)
                assert low <= flip.value <= high


def test_a_scale_has_the_whole_numbers_of_its_bounds() -> None:
    """An integer's scale ends at its bounds, and a category's at its last index."""
    assert Scale.of(Input("x", "integer", minimum=1, maximum=9)) == (1.0, 9.0, True)
    assert Scale.of(Input("x", "integer", minimum=-3)) == (-3.0, 2.0**24, True)
    assert Scale.of(Input("x", "category", categories=("a", "b", "c"))) == (0.0, 2.0, True)
    assert Scale.of(Input("x", "boolean")) == (0.0, 1.0, True)
    assert Scale.of(Input("x", "integer", minimum=LATE)) == (LATE, LATE, True)
    assert Scale.of(Input("x")) == (-LARGEST, LARGEST, False)


def test_many_inputs_do_not_multiply() -> None:
    """The work for 200 inputs and 300 trees is bounded: what cannot be decided stays open."""
    inputs = tuple(Input(f"m{i}", unit=f"u{i}", minimum=0.5, maximum=1000, error=1) for i in range(200))
    contract = Contract(name="wide", inputs=inputs, output=Output(classes=("a", "b")))
    calls = 0

    def predict(_: Row) -> int:
        nonlocal calls
        calls += 1
        assert calls < 10_000
        return 0

    forest = stumps([2.5] * 300, 200)
    assert Survival(Paths(forest), contract, predict).of((2.0,) * 200) is None
    flips = Flips(forest, contract, predict, differ)
    assert [flips.of((2.0,) * 200, place) for place in range(200)] == [(None, None)] * 200
