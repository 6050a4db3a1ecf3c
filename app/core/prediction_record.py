"""The record of one prediction for metrics, logs and drift. A handler attaches it to its answer."""

from typing import Any

import msgspec


class PredictionRecord(msgspec.Struct, frozen=True, gc=False):
    """The prediction for one row. `row` has the inputs in the contract's order, as they were decoded; None is missing.

    `label` is the index of the predicted class and `value` its probability. If the answer is a number, `value` is the
    number, and `label` is 0. `distance` is negative if the model has none, and `set_size` is 0 if it has no sets.
    """

    row: tuple[Any, ...]
    label: int
    value: float
    distance: float = -1.0
    in_distribution: bool = True
    set_size: int = 0
    model_version: str = ""
