"""The columns that the model sees, from the measurements of many birds at once."""

import numpy as np
import numpy.typing as npt

from contract.features import MEASUREMENT_NAMES, derive


def features(measurements: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Measurements, then their ratios: float32 (rows, MEASUREMENT_NAMES) -> float32 (rows, FEATURE_NAMES).

    Every ratio is one IEEE 754 float32 division, as `contract.features` lays down; a division by zero gives an
    infinity or NaN, silently. Raises ValueError for another number of columns.
    """
    columns = dict(zip(MEASUREMENT_NAMES, measurements.T, strict=True))
    with np.errstate(all="ignore"):
        return np.column_stack(derive(columns))
