"""Cross-validation: what the model, or another classifier, answers for birds that it has not seen."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss
from sklearn.model_selection import RepeatedStratifiedKFold

from contract.training import CrossValidation
from evaluation.calibration import brier_score, expected_calibration_error, sort_by_confidence, sort_evenly
from evaluation.figures import log_losses
from train.axes import with_axes
from train.contract import CLASSES
from train.features import features
from train.model import ROUNDS, fit
from train.resampling import interval, resampled_means

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

    @property
    def losses(self) -> npt.NDArray[np.float64]:
        """Return the log loss of each answer, in nats: float64 (repeats, rows)."""
        return log_losses(self.labels, self.probabilities)

    @property
    def pooled(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return the labels (answers,) and probabilities (answers, len(CLASSES)) of all repeats in a row."""
        return self.labels.ravel(), self.probabilities.reshape(-1, len(CLASSES))

    @property
    def means(self) -> npt.NDArray[np.float64]:
        """Return how often a bird is answered rightly, and its log loss, over the repeats: float64 (rows, 2)."""
        return np.column_stack([(self.answers == self.labels).mean(axis=0), self.losses.mean(axis=0)])


@dataclass(frozen=True)
class Fold:
    """The birds that a classifier may learn from, and those that it is asked about.

    Tables are float32 (rows, features), with axes of the seen birds alone. The first columns are the measurements.
    """

    table: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]  # of the seen birds: (rows,)
    unseen_table: npt.NDArray[np.float32]


Classifier = Callable[[Fold], npt.NDArray[np.float32]]  # probabilities of the unseen birds: (rows, len(CLASSES))


def split(
    birds: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], repeats: int, seed: int = RANDOM_STATE
) -> Iterator[tuple[Fold, npt.NDArray[np.int64]]]:
    """Yield every fold of every repeat, and the rows that it leaves out. `birds` are measurements, (rows, inputs).

    The axes are fitted to the birds of the fold alone. Raises ValueError if no species has FOLDS rows.
    """
    splitter = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=repeats, random_state=seed)
    for seen, unseen in splitter.split(birds, labels):
        contract = with_axes(birds[seen], labels[seen])
        fold = Fold(features(birds[seen], contract), labels[seen], features(birds[unseen], contract))
        yield fold, unseen


def model_answers(fold: Fold, rounds: int = ROUNDS, **parameters: float) -> npt.NDArray[np.float32]:
    """Fit the model to the seen birds, and return its probabilities of the unseen ones.

    `parameters` replace those of `train.model.PARAMETERS`. The fit uses one thread: with so few rows more threads are
    slower, and they change no answer.
    """
    booster = fit(fold.table, fold.labels, threads=1, rounds=rounds, **parameters)
    answers: npt.NDArray[np.float32] = booster.inplace_predict(fold.unseen_table)
    return answers


def hold_out(
    birds: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    repeats: int = REPEATS,
    classifier: Classifier = model_answers,
) -> HeldOut:
    """Return what the classifier answers for the rows that each fold leaves out. Shapes and errors as in `split`.

    The model is fitted to several folds at once, on threads: XGBoost does not hold the interpreter.
    """
    probabilities = np.empty((repeats, len(labels), len(CLASSES)), np.float32)
    folds = np.empty((repeats, len(labels)), np.int64)
    parts = [*split(birds, labels, repeats)]
    with ThreadPoolExecutor(os.cpu_count() if classifier is model_answers else 1) as threads:
        answers = [*threads.map(classifier, [fold for fold, _ in parts])]
    for number, (_, unseen) in enumerate(parts):
        probabilities[number // FOLDS, unseen] = answers[number]
        folds[number // FOLDS, unseen] = number
    return HeldOut(np.tile(labels, (repeats, 1)), probabilities, folds)


def cross_validation(held_out: HeldOut) -> CrossValidation:
    """Return the figures of the held-out answers, computed as PROTOCOL says. Log loss is in nats per bird."""
    labels, answers, probabilities = held_out.labels, held_out.answers, held_out.probabilities
    folds = [held_out.folds == fold for fold in range(REPEATS * FOLDS)]
    accuracies = [float(accuracy_score(labels[fold], answers[fold])) for fold in folds]
    losses = [float(log_loss(labels[fold], probabilities[fold], labels=LABELS)) for fold in folds]
    resampled = resampled_means(held_out.means)
    return CrossValidation(
        protocol=PROTOCOL,
        accuracy=fmean(accuracies),
        accuracy_deviation=stdev(accuracies),
        log_loss=fmean(losses),
        log_loss_deviation=stdev(losses),
        expected_calibration_error=expected_calibration_error(sort_by_confidence(*held_out.pooled)),
        confusion=confusion_matrix(labels.ravel(), answers.ravel(), labels=LABELS).tolist(),
        accuracy_interval=interval(resampled[:, 0]),
        log_loss_interval=interval(resampled[:, 1]),
        brier_score=brier_score(*held_out.pooled),
        adaptive_calibration_error=expected_calibration_error(sort_evenly(*held_out.pooled)),
    )
