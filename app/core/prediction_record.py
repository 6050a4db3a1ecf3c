"""The record of one prediction for metrics, logs and drift. A handler attaches it to its answer."""

import msgspec


class PredictionRecord(msgspec.Struct, frozen=True, gc=False):
    """The prediction for one bird. `row` has the measurements in the contract's order, in their units.

    `label` is the index of the predicted species and `probability` its probability. If the model has no reference
    data, `distance` is negative and `set_size` is 0.
    """

    row: tuple[float, ...]
    label: int
    probability: float
    distance: float = -1.0
    in_distribution: bool = True
    set_size: int = 0
    model_version: str = ""
