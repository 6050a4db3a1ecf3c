"""Groups of birds: their figures, and whether they are worse than chance would make them."""

import numpy as np
import pytest

from contract.training import TrainingSummary
from train.evaluate import HeldOut
from train.groups import FIGURES, MAXIMUM_VALUES, groups
from train.penguins import GROUPS, NOT_RECORDED, Penguins
from train.uncertainty import Judged

ROWS, REPEATS = 300, 2


def birds(**columns: list[str]) -> Penguins:
    """Return birds of three species with these columns."""
    labels = np.arange(ROWS) % 3
    named = {name: tuple(values) for name, values in columns.items()}
    return Penguins(np.ones((ROWS, 4), np.float32), labels, ROWS, 0, named)


def answers(wrong: list[int]) -> tuple[HeldOut, Judged]:
    """Return answers that are right but for some rows, which are outside their set and called out of distribution."""
    labels = np.tile(np.arange(ROWS) % 3, (REPEATS, 1))
    probabilities = np.full((REPEATS, ROWS, 3), 0.05, np.float32)
    np.put_along_axis(probabilities, labels[..., None], np.float32(0.9), axis=2)
    probabilities[:, wrong] = np.roll(probabilities[:, wrong], 1, axis=2)
    bad = np.zeros((REPEATS, ROWS), np.bool_)
    bad[:, wrong] = True
    return HeldOut(labels, probabilities, np.zeros_like(labels)), Judged(~bad, bad)


def test_a_group_that_is_worse_is_found() -> None:
    """The group with most of the mistakes is worse in every figure, and the other is not."""
    island = ["far" if row < 60 else "near" for row in range(ROWS)]
    far, near = groups(birds(island=island), *answers([*range(0, 40, 2), 200]))
    assert (far.column, far.value, far.rows) == ("island", "far", 60)
    assert far.accuracy == pytest.approx(1 - 20 / 60)
    assert far.log_loss == pytest.approx(-(np.log(0.9) * 40 + np.log(0.05) * 20) / 60, rel=1e-6)
    assert far.coverage == pytest.approx(1 - 20 / 60)
    assert far.false_alarms == pytest.approx(20 / 60)
    assert far.worse == FIGURES
    assert near.worse == ()


def test_a_hard_species_does_not_count_against_its_island() -> None:
    """An island of one species, whose birds are all hard, is worse than all birds but not than its species."""
    island = ["own" if row % 3 == 0 and row < 150 else "rest" for row in range(ROWS)]
    own, _ = groups(birds(island=island), *answers(list(range(0, ROWS, 6))))
    assert own.p_values["accuracy"] < 0.05
    assert own.p_values_within_species["accuracy"] == 1.0


def test_groups_like_the_others_are_not_worse() -> None:
    """Of mistakes that are spread evenly, no group is accused."""
    year = [str(2007 + row // 100) for row in range(ROWS)]
    assert all(not each.worse for each in groups(birds(year=year), *answers(list(range(0, ROWS, 10)))))


def test_columns_without_groups_are_left_out() -> None:
    """No column, one value, or as many values as birds: there is no table."""
    assert groups(birds(), *answers([])) == ()
    assert groups(birds(sex=["male"] * ROWS), *answers([])) == ()
    assert groups(birds(sex=[str(row % (MAXIMUM_VALUES + 1)) for row in range(ROWS)]), *answers([])) == ()


def test_all_birds_are_in_a_group_of_each_column(summary: TrainingSummary) -> None:
    """The groups of island, sex and year have all birds, and their mean accuracy is the model's."""
    for column in GROUPS:
        own = [each for each in summary.groups if each.column == column]
        assert sum(each.rows for each in own) == summary.rows_trained
        mean = sum(each.rows * each.accuracy for each in own) / summary.rows_trained
        assert mean == pytest.approx(summary.cross_validation.accuracy, abs=1e-4)
    assert NOT_RECORDED in {each.value for each in summary.groups}
