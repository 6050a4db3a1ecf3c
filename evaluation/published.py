"""Known rows as their owner publishes them: from numbers back to what clients send."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from contract.schema import Contract, Input
from contract.training import KnownRows, Value, thinned


def known_rows(
    contract: Contract, model_sha256: str, rows: npt.NDArray[np.float32], targets: npt.NDArray[Any], answer: str
) -> KnownRows:
    """Return the rows to publish: at most MAX_KNOWN_ROWS, evenly spread over the given ones.

    `rows` is float32 (rows, inputs), NaN for what is missing. `targets` is int64 (rows,), indices into the classes, or
    float64 (rows,) or (rows, names). `answer` is the name of their column.
    """
    places = thinned(range(len(rows)))
    classes = contract.output.classes
    return KnownRows(
        model_sha256=model_sha256,
        inputs=contract.input_names,
        answer=answer,
        total=len(rows),
        rows=tuple(_values(rows[place], contract.inputs) for place in places),
        answers=tuple(classes[targets[place]] if classes else _numbers(targets[place]) for place in places),
    )


def _numbers(target: Any) -> float | tuple[float, ...]:
    return tuple(map(float, target)) if np.ndim(target) else float(target)


def _values(row: npt.NDArray[np.float32], inputs: Sequence[Input]) -> tuple[Value, ...]:
    return tuple(_value(number, each) for number, each in zip(row, inputs, strict=True))


def _value(number: np.float32, each: Input) -> Value:
    if np.isnan(number):
        return None
    if each.kind == "category":
        return each.categories[int(number)]
    if each.kind == "boolean":
        return bool(number)
    # The shortest decimal that is this float32 and no other: 39.1, and not 39.099998474121094.
    decimal = float(np.format_float_positional(number, trim="-"))
    return int(decimal) if each.kind == "integer" else decimal
