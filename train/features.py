"""The columns that the model sees, computed for many birds at once."""

import numpy as np
import numpy.typing as npt

from contract.features import MEASUREMENT_NAMES, derive


def features(measurements: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the measurements, then their ratios: float32 (rows, MEASUREMENT_NAMES) to float32 (rows, FEATURE_NAMES).

    Every ratio is one IEEE 754 float32 division, as `contract.features` defines. A division by zero gives infinity or
    NaN without a warning. Raises ValueError for another number of columns.
    """
    columns = dict(zip(MEASUREMENT_NAMES, measurements.T, strict=True))
    with np.errstate(all="ignore"):
        return np.column_stack(derive(columns))
