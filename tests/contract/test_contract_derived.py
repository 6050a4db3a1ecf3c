"""Derived features: their rules, and their bits."""

import struct
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.derived import LARGEST, Derived, Projection, Ratio
from contract.reading import PENGUINS, read_contract
from tests.contract.contracts import decoded

FLOATS = st.floats(width=32)  # also infinite ones, NaN, both zeros and subnormal ones
Columns = Mapping[str, "np.ndarray[tuple[int], np.dtype[np.float32]]"]


def columns(rows: list[tuple[float, ...]]) -> Columns:
    """Return the columns a, b, c of these rows."""
    return dict(zip("abc", np.asarray(rows, dtype=np.float32).reshape(-1, 3).T, strict=True))


def assert_same_bits(found: Any, expected: list[np.float32]) -> None:
    """Check that float32 values are the same, bit for bit. All NaN count as the same."""
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.asarray(expected, dtype=np.float32))
    same = np.signbit(found) == np.signbit(np.asarray(expected, dtype=np.float32))
    assert bool(np.all(same | np.isnan(found)))


@given(st.lists(st.tuples(FLOATS, FLOATS, FLOATS), min_size=1, max_size=9))
def test_a_ratio_is_a_float32_quotient(rows: list[tuple[float, ...]]) -> None:
    """A ratio equals the quotient of two float32 numbers, rounded once."""
    with np.errstate(all="ignore"):
        expected = [
            np.float32(np.float64(a) / np.float64(b)) for a, b, _ in rows
        ]  # a double holds more than twice 24 bits
        assert_same_bits(Ratio("a", "b").of(columns(rows)), expected)


@given(
    st.lists(st.tuples(FLOATS, FLOATS, FLOATS), min_size=1, max_size=9),
    st.permutations("abc"),
    st.lists(st.floats(-LARGEST, LARGEST), min_size=1, max_size=3),
)
def test_a_projection_is_a_float32_sum_of_products(
    rows: list[tuple[float, ...]], names: list[str], numbers: list[float]
) -> None:
    """A projection equals products and sums of float32 numbers, each rounded, in the order of the weights."""
    weights = dict(zip(names, numbers, strict=False))
    made = Projection("p", weights)
    with np.errstate(all="ignore"):
        expected = [projected(dict(zip("abc", row, strict=True)), weights) for row in rows]
        assert_same_bits(made.of(columns(rows)), expected)


def projected(row: Mapping[str, float], weights: Mapping[str, float]) -> np.float32:
    """Compute a projection one rounded operation at a time, each in double precision before it is rounded."""
    total = None
    for name, weight in weights.items():
        product = np.float32(np.float64(np.float32(weight)) * np.float64(row[name]))
        total = product if total is None else np.float32(np.float64(total) + np.float64(product))
    assert total is not None
    return total


@given(st.floats(-LARGEST, LARGEST))
def test_weights_are_rounded_to_float32(weight: float) -> None:
    """A weight is the float32 next to the number that somebody wrote."""
    (rounded,) = Projection("p", {"a": weight}).float32_weights.values()
    assert struct.pack("=f", rounded) == np.float32(weight).tobytes()


def test_the_order_of_weights_is_that_of_the_sum() -> None:
    """A sum of float32 numbers depends on its order, so the order is kept."""
    data = columns([(1e8, -1e8, 1.0)])
    assert Projection("p", {"a": 1, "b": 1, "c": 1}).of(data) == 1
    assert Projection("p", {"a": 1, "c": 1, "b": 1}).of(data) == 0


def test_columns_are_not_changed() -> None:
    """Computing a feature leaves the columns of the inputs as they are."""
    data = columns([(1.0, 2.0, 3.0)])
    Projection("p", {"a": 2, "b": 2}).of(data)
    Ratio("a", "b").of(data)
    assert [column.tolist() for column in data.values()] == [[1.0], [2.0], [3.0]]


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), float("-inf"), 3.4028236e38, -1e39])
def test_a_weight_that_is_no_float32_is_refused(weight: float) -> None:
    """The refusal names the feature, the input and the number. The largest float32 is accepted."""
    with pytest.raises(msgspec.ValidationError, match=r"^derived 'p': expected a float32 as the weight of 'b', found "):
        decoded(Projection, kind="projection", name="p", weights={"a": 1.0, "b": weight})
    decoded(Projection, kind="projection", name="p", weights={"a": LARGEST, "b": -LARGEST})


def test_a_projection_without_weights_is_refused() -> None:
    """A projection needs at least one weight."""
    with pytest.raises(ValueError, match="derived 'p': expected at least one weight, found none"):
        Projection("p", {})


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "ratio", "numerator": "a"},
        {"kind": "ratio", "denominator": "a"},
        {"kind": "ratio", "numerator": "a", "denominator": "b", "weights": {}},
        {"kind": "ratio", "numerator": 1, "denominator": "b"},
        {"kind": "projection", "weights": {"a": 1}},
        {"kind": "projection", "name": "p"},
        {"kind": "projection", "name": "p", "weights": {"a": "1"}},
        {"kind": "projection", "name": "p", "weights": ["a"]},
        {"kind": "projection", "name": "p", "weights": {"a": 1}, "bias": 1},
        {"kind": "product", "numerator": "a", "denominator": "b"},
        {"numerator": "a", "denominator": "b"},
    ],
)
def test_what_is_no_derived_feature_is_refused(fields: dict[str, Any]) -> None:
    """A field that is absent, unknown or of another type is refused, and so is an unknown kind."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(fields, Derived)


def test_a_feature_has_a_label_and_sources() -> None:
    """A ratio is named after its inputs, unless it has a name."""
    assert (Ratio("a", "b").label, Ratio("a", "b", "odd").label, Projection("p", {"b": 1}).label) == ("a/b", "odd", "p")
    assert (Ratio("a", "b").sources, Projection("p", {"b": 1, "a": 1}).sources) == (("a", "b"), ("b", "a"))


def test_derived_columns_are_named_and_computed_alike() -> None:
    """Each ratio of the penguins is the quotient that its name says, each projection a weighted sum of all inputs."""
    penguin = read_contract(PENGUINS)
    values = dict(zip(penguin.input_names, (40.0, 20.0, 200.0, 4000.0), strict=True))
    found = dict(zip(penguin.features, penguin.derive(values), strict=True))
    assert [found[name] for name in penguin.input_names] == list(values.values())
    assert [type(feature) for feature in penguin.derived] == [Ratio] * 6 + [Projection] * 2
    for feature in penguin.derived:
        if isinstance(feature, Ratio):
            above, _, below = feature.label.partition("/")
            assert found[feature.label] == values[above] / values[below]
        else:
            expected = sum(values[name] * weight for name, weight in feature.weights.items())
            assert found[feature.label] == pytest.approx(expected, rel=1e-6)
