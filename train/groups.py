"""How good the model is for the birds of one island, sex or year, which it does not see."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from contract.training import Group
from evaluation.resampling import chances, corrected
from train.evaluate import HeldOut
from train.penguins import Penguins
from train.uncertainty import Judged

FIGURES = ("accuracy", "log_loss", "coverage", "false_alarms")
MAXIMUM_VALUES = 12  # a column with more of them has no groups, but measurements
SIGNIFICANT = 0.05


def groups(penguins: Penguins, held_out: HeldOut, judged: Judged) -> tuple[Group, ...]:
    """Return the figures of each group of birds, in the order of columns and of values; none without such columns.

    Each figure is compared with that of as many birds, drawn at random.
    """
    members = list(_members(penguins))
    if not members:
        return ()
    bad = _badness(held_out, judged)
    masks = [mask for *_, mask in members]
    all_birds = corrected(chances(bad, masks))
    within = corrected(chances(bad, masks, penguins.labels))
    return tuple(
        _group(column, value, bad[mask], one, other)
        for (column, value, mask), one, other in zip(members, all_birds, within, strict=True)
    )


def _members(penguins: Penguins) -> Iterator[tuple[str, str, npt.NDArray[np.bool_]]]:
    """Yield column, value, and which birds have it: bool (rows,)."""
    for column, values in penguins.groups.items():
        distinct = sorted(set(values))
        if 1 < len(distinct) <= MAXIMUM_VALUES:
            for value in distinct:
                yield column, value, np.array(values) == value


def _badness(held_out: HeldOut, judged: Judged) -> npt.NDArray[np.float64]:
    """Return how bad each figure is for each bird, a mean over the repeats: float64 (rows, FIGURES). More is worse."""
    errors = held_out.answers != held_out.labels
    columns = (errors, held_out.losses, ~judged.covered, judged.alarms)
    return np.column_stack([column.mean(axis=0) for column in columns])


def _group(
    column: str,
    value: str,
    bad: npt.NDArray[np.float64],
    p_values: npt.NDArray[np.float64],
    within_species: npt.NDArray[np.float64],
) -> Group:
    error, loss, missed, alarms = bad.mean(axis=0).tolist()
    least = np.minimum(p_values, within_species).tolist()
    return Group(
        column=column,
        value=value,
        rows=len(bad),
        accuracy=1 - error,
        log_loss=loss,
        coverage=1 - missed,
        false_alarms=alarms,
        p_values=dict(zip(FIGURES, p_values.tolist(), strict=True)),
        p_values_within_species=dict(zip(FIGURES, within_species.tolist(), strict=True)),
        worse=tuple(name for name, p in zip(FIGURES, least, strict=True) if p < SIGNIFICANT),
    )
