import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from contract.uncertainty import Gaussian, squared_distance


@given(arrays(np.float64, (40, 4), elements=st.floats(-3, 3)), arrays(np.float64, 4, elements=st.floats(-9, 9)))
def test_it_is_the_mahalanobis_distance(
    noise: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", bird: object
) -> None:
    """The distance is the Mahalanobis distance, of numbers and of columns."""
    sample = noise + np.random.default_rng(0).normal(size=noise.shape)
    mean, covariance = sample.mean(axis=0), np.cov(sample, rowvar=False)
    factor = np.linalg.inv(np.linalg.cholesky(covariance))
    gaussian = Gaussian(tuple(mean.tolist()), tuple(tuple(row[: i + 1].tolist()) for i, row in enumerate(factor)))
    values = np.asarray(bird, dtype=np.float64)
    expected = (values - mean) @ np.linalg.inv(covariance) @ (values - mean)
    assert math.isclose(squared_distance(values.tolist(), gaussian), expected, rel_tol=1e-8, abs_tol=1e-9)
