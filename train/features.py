"""The columns that the model sees, computed for many birds at once."""

import numpy as np
import numpy.typing as npt

from contract.schema import Contract
from train.contract import CONTRACT


def features(measurements: npt.NDArray[np.float32], contract: Contract = CONTRACT) -> npt.NDArray[np.float32]:
    """Return the inputs, then what is derived from them: float32 (rows, inputs) to float32 (rows, features).

    Every operation is one of IEEE 754 float32, as `contract.derived` defines. A division by zero gives infinity or NaN
    without a warning. Raises ValueError for another number of columns.
    """
    columns = dict(zip(contract.input_names, measurements.T, strict=True))
    with np.errstate(all="ignore"):
        return np.column_stack(contract.derive(columns))
