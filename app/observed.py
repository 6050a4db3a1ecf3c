"""What a prediction was, for those who watch: a handler puts it beside its answer, which it does not change."""

import msgspec


class Prediction(msgspec.Struct, frozen=True, gc=False):
    """One bird. `row` is in the order of the measurements; `probability` is that of the species `label`.

    `distance` is negative and `set_size` 0 where they are not known.
    """

    row: tuple[float, ...]
    label: int
    probability: float
    distance: float = -1.0
    in_distribution: bool = True
    set_size: int = 0
    model_version: str = ""
