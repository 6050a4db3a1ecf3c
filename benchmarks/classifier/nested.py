"""Nested cross-validation: the birds of an outer fold judge what an inner cross-validation of the others has chosen.

No bird has a part in the choice of the parameters, in the axes, or in the trees of the model that answers for it. The
rivals are tuned in the same way, on the same inner folds.
"""

import os
import warnings
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from benchmarks.classifier.grids import CHOICES, ROUNDS, Answers, Choice, Parameters, model_grid
from evaluation.figures import log_losses
from train.evaluate import FOLDS, Fold, model_answers, split
from train.penguins import load

INNER_SEED = 1  # of the shuffles into inner folds
Tried = TypeVar("Tried")
Rows = npt.NDArray[np.int64]


class Picked(NamedTuple, Generic[Tried]):
    """What an inner cross-validation chose, and its log loss there, in nats a bird."""

    chosen: Tried
    loss: float


class Picks(NamedTuple):
    """All that is chosen on some birds: by rounds for the model, by name for the rivals."""

    model: dict[int, Picked[Parameters]]
    rivals: dict[str, Picked[Choice]]


class FoldResult(NamedTuple):
    """What an outer fold gives: its number, the rows that it leaves out, what was picked, and the answers by name."""

    number: int
    unseen: Rows
    picks: Picks
    model: dict[int, Answers]
    rivals: dict[str, Answers]


def pick(birds: npt.NDArray[np.float32], labels: Rows) -> Picks:
    """Choose by the log loss of one cross-validation of these birds. Among equal ones the first is chosen."""
    model: dict[Parameters, float] = {}
    rivals: dict[str, list[float]] = {name: [0.0] * len(tried) for name, tried in CHOICES.items()}
    for fold, unseen in split(birds, labels, repeats=1, seed=INNER_SEED):
        for parameters, answers in model_grid(fold):
            model[parameters] = model.get(parameters, 0.0) + float(log_losses(labels[unseen], answers).sum())
        for name, tried in CHOICES.items():
            for place, choice in enumerate(tried if len(tried) > 1 else []):
                rivals[name][place] += float(log_losses(labels[unseen], choice.answers(fold)).sum())
    return Picks(
        {rounds: _best(model, rounds, len(labels)) for rounds in ROUNDS},
        {
            name: Picked(tried[int(np.argmin(rivals[name]))], min(rivals[name]) / len(labels))
            for name, tried in CHOICES.items()
        },
    )


def _best(losses: Mapping[Parameters, float], rounds: int, rows: int) -> Picked[Parameters]:
    chosen = min((each for each in losses if each.rounds == rounds), key=lambda each: losses[each])
    return Picked(chosen, losses[chosen] / rows)


def judge(number: int, repeats: int) -> FoldResult:
    """Do all that belongs to one outer fold."""
    birds = load()
    fold, unseen = list(split(birds.measurements, birds.labels, repeats))[number]
    seen = np.setdiff1d(np.arange(len(birds.labels)), unseen)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*collinear.*")  # some of a rival's settings do not suit it
        picks = pick(birds.measurements[seen], birds.labels[seen])
    return FoldResult(
        number,
        unseen,
        picks,
        {rounds: refit(picked.chosen, fold) for rounds, picked in picks.model.items()},
        {name: picked.chosen.answers(fold) for name, picked in picks.rivals.items()},
    )


def refit(parameters: Parameters, fold: Fold) -> Answers:
    """Fit the model with these parameters to the seen birds, and return its probabilities of the unseen ones."""
    return model_answers(fold, parameters.rounds, **parameters.fitting)


def pick_on_all() -> Picks:
    """Choose on all birds, as an outer fold does on its own: this is what is served."""
    birds = load()
    return pick(birds.measurements, birds.labels)


class Nested(NamedTuple):
    """All outer folds together. Answers are (repeats, rows, classes), by rounds for the model, by name for the rivals.

    `labels` is (rows,). `picks` has one entry for each outer fold; `served` is picked on all birds.
    """

    labels: Rows
    model: dict[int, Answers]
    rivals: dict[str, Answers]
    picks: list[Picks]
    served: Picks


def nested(repeats: int, processes: int) -> Nested:
    """Run all outer folds, each in one of some processes."""
    birds = load()
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # two pools of threads would disturb each other
    os.environ.update(one_thread)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        served = pool.submit(pick_on_all)
        results = list(pool.map(judge, range(repeats * FOLDS), [repeats] * repeats * FOLDS))
        shape = repeats, len(birds.labels)
        return Nested(
            birds.labels,
            {rounds: _gather(shape, [(each, each.model[rounds]) for each in results]) for rounds in ROUNDS},
            {name: _gather(shape, [(each, each.rivals[name]) for each in results]) for name in CHOICES},
            [each.picks for each in results],
            served.result(),
        )


def _gather(shape: tuple[int, int], answers: list[tuple[FoldResult, Answers]]) -> Answers:
    found = np.empty((*shape, answers[0][1].shape[1]), np.float32)
    for result, each in answers:
        found[result.number // FOLDS, result.unseen] = each
    return found
