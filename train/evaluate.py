"""Cross-validation: what the model answers for birds that it has not seen."""

from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss
from sklearn.model_selection import RepeatedStratifiedKFold

from contract.training import CrossValidation
from evaluation.calibration import expected_calibration_error, sort_by_confidence
from train.contract import CLASSES
from train.model import fit

FOLDS = 5
REPEATS = 5
RANDOM_STATE = 0  # the seed of the shuffles into folds
PROTOCOL = (
    f"{REPEATS} x {FOLDS}-fold repeated stratified cross-validation (scikit-learn, random_state {RANDOM_STATE}): "
    f"mean and sample standard deviation over {REPEATS * FOLDS} folds; confusion and calibration pooled over repeats"
)
LABELS = range(len(CLASSES))


@dataclass(frozen=True)
class HeldOut:
    """One answer for every row in every repeat, by the model of the fold that left the row out."""

    labels: npt.NDArray[np.int64]  # (repeats, rows), the true species, equal in every repeat
    probabilities: npt.NDArray[np.float32]  # (repeats, rows, len(CLASSES)), sum to 1 over the species
    folds: npt.NDArray[np.int64]  # (repeats, rows), 0 to repeats * FOLDS - 1

    @property
    def answers(self) -> npt.NDArray[np.int64]:
        """Return the most probable species: int64 (repeats, rows)."""
        answers: npt.NDArray[np.int64] = self.probabilities.argmax(axis=2)
        return answers


def hold_out(table: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], repeats: int = REPEATS) -> HeldOut:
    """Fit a model for every fold and predict the rows that the fold leaves out. Shapes as in `train.model.fit`.

    Each fit uses one thread: with so few rows more threads are slower, and they change no answer. Raises ValueError if
    no species has FOLDS rows.
    """
    splitter = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=repeats, random_state=RANDOM_STATE)
    probabilities = np.empty((repeats, len(labels), len(CLASSES)), np.float32)
    folds = np.empty((repeats, len(labels)), np.int64)
    for fold, (seen, unseen) in enumerate(splitter.split(table, labels)):
        booster = fit(table[seen], labels[seen], threads=1)
        probabilities[fold // FOLDS, unseen] = booster.inplace_predict(table[unseen])
        folds[fold // FOLDS, unseen] = fold
    return HeldOut(np.tile(labels, (repeats, 1)), probabilities, folds)


def cross_validation(held_out: HeldOut) -> CrossValidation:
    """Return the figures of the held-out answers, computed as PROTOCOL says. Log loss is in nats per bird."""
    labels, answers, probabilities = held_out.labels, held_out.answers, held_out.probabilities
    folds = [held_out.folds == fold for fold in range(REPEATS * FOLDS)]
    accuracies = [float(accuracy_score(labels[fold], answers[fold])) for fold in folds]
    losses = [float(log_loss(labels[fold], probabilities[fold], labels=LABELS)) for fold in folds]
    return CrossValidation(
        protocol=PROTOCOL,
        accuracy=fmean(accuracies),
        accuracy_deviation=stdev(accuracies),
        log_loss=fmean(losses),
        log_loss_deviation=stdev(losses),
        expected_calibration_error=expected_calibration_error(
            sort_by_confidence(labels.ravel(), probabilities.reshape(-1, len(CLASSES)))
        ),
        confusion=confusion_matrix(labels.ravel(), answers.ravel(), labels=LABELS).tolist(),
    )
