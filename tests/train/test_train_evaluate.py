"""Cross-validation: no bird is asked about by a model that has seen it, and the figures reach their targets."""

import numpy as np
import numpy.typing as npt
import pytest

from contract.training import TrainingSummary
from train.contract import CLASSES
from train.evaluate import FOLDS, REPEATS, HeldOut, cross_validation, hold_out
from train.model import fit
from train.penguins import Penguins


def test_quality_targets(summary: TrainingSummary) -> None:
    """Accuracy is at least 0.988, and log loss is at most 0.035."""
    assert summary.cross_validation.accuracy >= 0.988
    assert summary.cross_validation.log_loss <= 0.035


def test_every_bird_is_held_out_once_in_every_repeat(held_out: HeldOut, penguins: Penguins) -> None:
    """Every bird is held out once in each of five repeats, in stratified folds."""
    assert held_out.labels.shape == (REPEATS, 342)
    for repeat in range(REPEATS):
        assert set(held_out.folds[repeat]) == set(range(FOLDS * repeat, FOLDS * (repeat + 1)))
        for label in range(len(CLASSES)):
            sizes = np.bincount(held_out.folds[repeat, penguins.labels == label] - FOLDS * repeat)
            assert sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize("fold", [0, 7, 24])
def test_held_out_birds_are_unseen(
    held_out: HeldOut, penguins: Penguins, table: npt.NDArray[np.float32], fold: int
) -> None:
    """A fold's answers equal those of a model of all other birds, bit for bit."""
    unseen = held_out.folds[fold // FOLDS] == fold
    expected = fit(table[~unseen], penguins.labels[~unseen]).inplace_predict(table[unseen])
    assert held_out.probabilities[fold // FOLDS, unseen].tobytes() == expected.tobytes()


def test_figures_by_hand() -> None:
    """The figures of 25 folds equal those computed by hand."""
    labels = np.tile(np.arange(10) % 3, (REPEATS, 1))
    probabilities = np.full((REPEATS, 10, 3), 0.1, np.float32)
    np.put_along_axis(probabilities, labels[..., None], np.float32(0.8), axis=2)
    probabilities[0, 0] = [0.1, 0.1, 0.8]  # a Gentoo taken for an Adelie
    folds = np.array([np.arange(10) // 2 + repeat * FOLDS for repeat in range(REPEATS)])
    figures = cross_validation(HeldOut(labels, probabilities, folds))
    assert figures.accuracy == pytest.approx(1 - 0.5 / 25)
    assert figures.accuracy_deviation == pytest.approx(np.std([0.5] + [1.0] * 24, ddof=1))
    assert figures.log_loss == pytest.approx(-(np.log(0.8) * 49 + np.log(0.1)) / 50, rel=1e-6)
    assert figures.confusion == [[19, 0, 1], [0, 15, 0], [0, 0, 15]]
    assert figures.expected_calibration_error == pytest.approx(49 / 50 - 0.8, rel=1e-6)


def test_too_few_birds_to_fold_is_an_error(table: npt.NDArray[np.float32]) -> None:
    """Too few birds to fold are an error."""
    with pytest.raises(ValueError, match="n_splits"):
        hold_out(table[:4], np.array([0, 1, 2, 0]))
