"""Cross-validation: no bird is asked about by a model that has seen it, and the figures reach their targets."""

from functools import reduce
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
import xgboost
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import RepeatedStratifiedKFold

from contract.training import TrainingSummary
from train.contract import CLASSES
from train.evaluate import FOLDS, REPEATS, HeldOut, cross_validation, hold_out
from train.model import PARAMETERS, ROUNDS
from train.penguins import Penguins


def test_quality_targets(summary: TrainingSummary) -> None:
    """Accuracy is at least 0.990, and log loss is at most 0.0190."""
    assert summary.cross_validation.accuracy >= 0.990
    assert summary.cross_validation.log_loss <= 0.0190


def test_every_bird_is_held_out_once_in_every_repeat(held_out: HeldOut, penguins: Penguins) -> None:
    """Every bird is held out once in each of five repeats, in stratified folds."""
    assert held_out.labels.shape == (REPEATS, 342)
    for repeat in range(REPEATS):
        assert set(held_out.folds[repeat]) == set(range(FOLDS * repeat, FOLDS * (repeat + 1)))
        for label in range(len(CLASSES)):
            sizes = np.bincount(held_out.folds[repeat, penguins.labels == label] - FOLDS * repeat)
            assert sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize("fold", [0, 7, 24])
def test_held_out_birds_are_unseen(held_out: HeldOut, penguins: Penguins, fold: int) -> None:
    """A fold's answers are those of scikit-learn's folds and axes, numpy's ratios and XGBoost, bit for bit."""
    splitter = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=0)
    birds, labels = penguins.measurements, penguins.labels
    seen, unseen = list(splitter.split(birds, labels))[fold]
    analysis = LinearDiscriminantAnalysis().fit(birds[seen].astype(np.float64), labels[seen])
    axes = [[np.float32(f"{weight:.6g}") for weight in axis * np.sign(axis[0])] for axis in analysis.scalings_.T]

    def table(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        inputs = list(rows.T)
        ratios = [one / other for one, other in combinations(inputs, 2)]
        sums = [reduce(np.add, map(np.multiply, inputs, axis)) for axis in axes]
        return np.column_stack([*inputs, *ratios, *sums])

    matrix = xgboost.DMatrix(table(birds[seen]), labels[seen])
    expected = xgboost.train({**PARAMETERS, "nthread": 1}, matrix, ROUNDS).inplace_predict(table(birds[unseen]))
    assert held_out.folds[fold // FOLDS, unseen].tolist() == [fold] * len(unseen)
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
    assert figures.brier_score == pytest.approx((49 * (0.2**2 + 2 * 0.1**2) + 0.9**2 + 0.8**2 + 0.1**2) / 50, rel=1e-6)
    assert figures.adaptive_calibration_error == pytest.approx(0.2 - 0.02, abs=0.041)
    assert figures.accuracy_interval is not None
    assert figures.accuracy_interval[0] <= 0.98 <= figures.accuracy_interval[1] == 1.0


def test_too_few_birds_to_fold_is_an_error(penguins: Penguins) -> None:
    """Too few birds to fold are an error."""
    with pytest.raises(ValueError, match="n_splits"):
        hold_out(penguins.measurements[:4], np.array([0, 1, 2, 0]))
