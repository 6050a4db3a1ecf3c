"""The features: bit for bit the divisions that the contract lays down."""

from functools import reduce

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from contract.derived import Projection, Ratio
from train.contract import CONTRACT
from train.features import features

RATIOS = [each for each in CONTRACT.derived if isinstance(each, Ratio)]
AXES = [each for each in CONTRACT.derived if isinstance(each, Projection)]

# Every float32 there is: zeros of both signs, subnormal numbers, infinities, NaN.
BIRDS = arrays(np.float32, st.tuples(st.integers(0, 9), st.just(4)), elements=st.floats(width=32))


@given(BIRDS)
def test_equals_division_element_by_element(birds: npt.NDArray[np.float32]) -> None:
    """Each ratio has the bits of one float32 division, each projection those of products that are added in order."""
    assert (len(RATIOS), len(AXES)) == (6, 2)
    table = features(birds)
    for row, bird in enumerate(birds):
        named = dict(zip(CONTRACT.input_names, bird, strict=True))
        with np.errstate(all="ignore"):
            sums = [reduce(np.add, [named[name] * np.float32(w) for name, w in each.weights.items()]) for each in AXES]
            ratios = [np.float32(named[ratio.numerator]) / np.float32(named[ratio.denominator]) for ratio in RATIOS]
        expected = np.array([*bird, *ratios, *sums], np.float32)
        assert np.array_equal(np.isnan(table[row]), np.isnan(expected))
        numbers = ~np.isnan(expected)
        assert table[row][numbers].tobytes() == expected[numbers].tobytes()


@given(BIRDS)
def test_shape_and_type(birds: npt.NDArray[np.float32]) -> None:
    """Float32 rows of four measurements become float32 rows of all features."""
    table = features(birds)
    assert table.shape == (len(birds), len(CONTRACT.features))
    assert table.dtype == np.float32


def test_division_by_zero_is_silent() -> None:
    """A division by zero gives infinity or NaN without a warning."""
    table = dict(zip(CONTRACT.features, features(np.array([[1, 0, 0, 1]], np.float32))[0], strict=True))
    assert table["bill_length_mm/bill_depth_mm"] == np.inf
    assert np.isnan(table["bill_depth_mm/flipper_length_mm"])


@pytest.mark.parametrize("columns", [3, 5])
def test_another_number_of_columns_is_an_error(columns: int) -> None:
    """Another number of columns is an error."""
    with pytest.raises(ValueError, match="zip"):
        features(np.ones((2, columns), np.float32))
