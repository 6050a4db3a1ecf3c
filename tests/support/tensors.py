"""Input tensors of models with categories: one for each input, as Triton's client sends them, or as JSON."""

from typing import Any

import numpy as np
import numpy.typing as npt
import tritonclient.http as triton

from contract.schema import Contract, Input

Rows = npt.NDArray[np.float32]
TYPES = {"number": "FP32", "integer": "INT64", "boolean": "BOOL", "category": "BYTES"}
DTYPES = {"number": np.float32, "integer": np.int64, "boolean": np.bool_, "category": np.object_}


def value_of(each: Input, number: float) -> Any:
    """Return the value that a client sends for the number that the model gets. None is missing."""
    if number != number:
        return None
    if each.kind == "category":
        return each.categories[int(number)]
    return {"number": float, "integer": int, "boolean": bool}[each.kind](number)


def tensors(contract: Contract, rows: Rows, binary: bool) -> list[triton.InferInput]:
    """Return the tensors of rows. In binary a missing number is NaN, and a missing category an empty text."""
    made = []
    for each, column in zip(contract.inputs, rows.T, strict=True):
        values = [value_of(each, number) for number in column.tolist()]
        absent: Any = "" if each.kind == "category" else np.nan
        present = [absent if value is None else value for value in values]
        tensor = triton.InferInput(each.name, [len(rows)], TYPES[each.kind])
        tensor.set_data_from_numpy(np.array(present, dtype=DTYPES[each.kind]), binary_data=binary)
        made.append(tensor)
    return made


def json_tensors(contract: Contract, rows: Rows) -> list[dict[str, Any]]:
    """Return the tensors of rows for a request in JSON, where null is missing."""
    return [
        {
            "name": each.name,
            "datatype": TYPES[each.kind],
            "shape": [len(rows)],
            "data": [value_of(each, number) for number in column.tolist()],
        }
        for each, column in zip(contract.inputs, rows.T, strict=True)
    ]
