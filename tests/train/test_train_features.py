"""The features: bit for bit the divisions that contract.features lays down."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from contract.features import FEATURE_NAMES, MEASUREMENT_NAMES, RATIOS
from train.features import features

# Every float32 there is: zeros of both signs, subnormal numbers, infinities, NaN.
BIRDS = arrays(np.float32, st.tuples(st.integers(0, 9), st.just(4)), elements=st.floats(width=32))


@given(BIRDS)
def test_equals_division_element_by_element(birds: npt.NDArray[np.float32]) -> None:
    """Each ratio has the bits of one np.float32 division; which NaN it is does not matter."""
    table = features(birds)
    for row, bird in enumerate(birds):
        named = dict(zip(MEASUREMENT_NAMES, bird, strict=True))
        with np.errstate(all="ignore"):
            ratios = [np.float32(named[ratio.numerator]) / np.float32(named[ratio.denominator]) for ratio in RATIOS]
        expected = np.array([*bird, *ratios], np.float32)
        assert np.array_equal(np.isnan(table[row]), np.isnan(expected))
        numbers = ~np.isnan(expected)
        assert table[row][numbers].tobytes() == expected[numbers].tobytes()


@given(BIRDS)
def test_shape_and_type(birds: npt.NDArray[np.float32]) -> None:
    """float32 (rows, 4) becomes float32 (rows, FEATURE_NAMES)."""
    table = features(birds)
    assert table.shape == (len(birds), len(FEATURE_NAMES))
    assert table.dtype == np.float32


def test_division_by_zero_is_silent() -> None:
    """x/0 is infinite and 0/0 is NaN, without a warning (a warning would fail the test)."""
    table = dict(zip(FEATURE_NAMES, features(np.array([[1, 0, 0, 1]], np.float32))[0], strict=True))
    assert table["bill_length_mm/bill_depth_mm"] == np.inf
    assert np.isnan(table["bill_depth_mm/flipper_length_mm"])


@pytest.mark.parametrize("columns", [3, 5])
def test_another_number_of_columns_is_an_error(columns: int) -> None:
    """Measurements that do not fit their names are not paired with the wrong ones."""
    with pytest.raises(ValueError, match="zip"):
        features(np.ones((2, columns), np.float32))
