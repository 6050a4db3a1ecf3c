"""What rivals answer for the same held-out birds as the model, and how far the difference may be chance."""

from functools import partial

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from contract.training import Baseline, CrossValidation
from evaluation.calibration import brier_score, expected_calibration_error, sort_evenly
from evaluation.resampling import DIGITS, interval, resampled_means
from train.evaluate import HeldOut, cross_validation, hold_out
from train.penguins import Penguins
from train.rivals import RIVALS, Rival, answers


def baselines(penguins: Penguins, held_out: HeldOut, figures: CrossValidation) -> tuple[Baseline, ...]:
    """Return the figures of every rival beside those of the model, which are `figures` of its answers, `held_out`."""
    own = resampled_means(held_out.means)
    with threadpool_limits(1):  # with so few rows, more threads only wait for each other
        return tuple(_baseline(rival, held_out_rival(penguins, rival), figures, own) for rival in RIVALS)


def held_out_rival(penguins: Penguins, rival: Rival) -> HeldOut:
    """Return what a rival answers on the folds of the model's cross-validation, with the settings of the report."""
    classifier = partial(answers, rival, settings=rival.settings, columns=rival.columns)
    return hold_out(penguins.measurements, penguins.labels, classifier=classifier)


def _baseline(rival: Rival, found: HeldOut, model: CrossValidation, own: npt.NDArray[np.float64]) -> Baseline:
    """Return a rival's figures. They are rounded: beyond DIGITS, another processor's may differ."""
    figures, resampled = cross_validation(found), resampled_means(found.means)
    differences = resampled - own
    return Baseline(
        name=rival.name,
        settings=rival.words,
        accuracy=round(figures.accuracy, DIGITS),
        accuracy_interval=interval(resampled[:, 0]),
        log_loss=round(figures.log_loss, DIGITS),
        log_loss_interval=interval(resampled[:, 1]),
        brier_score=round(brier_score(*found.pooled), DIGITS),
        adaptive_calibration_error=round(expected_calibration_error(sort_evenly(*found.pooled)), DIGITS),
        accuracy_difference=round(figures.accuracy - model.accuracy, DIGITS),
        accuracy_difference_interval=interval(differences[:, 0]),
        log_loss_difference=round(figures.log_loss - model.log_loss, DIGITS),
        log_loss_difference_interval=interval(differences[:, 1]),
    )
