"""The parts of an uncertainty that held-out rows give: sets or intervals, and distances.

Each part is made from all rows. What it claims is measured by making it from one half and judging it on the other, both
ways. A part that the rows cannot give raises Refusal, which says why.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from contract.refusal import Refusal
from contract.schema import MAX_LISTED, Contract
from contract.uncertainty import MAX_INPUTS, PERCENTS, Uncertainty
from evaluation.conformal import (
    conformal_thresholds,
    coverage,
    half_width,
    prediction_sets,
    rows_needed,
    set_thresholds,
)
from evaluation.distances import distance_limit, distances, fit_gaussians, held_out_distances
from evaluation.p_values import LevelSets, calibrate
from evaluation.split import SEED, both_ways, folds

PROTOCOL = (
    "held-out rows, which the model has not seen according to its owner, are dealt into two halves "
    f"(numpy's default generator, seed {SEED}): thresholds, widths, Gaussians and limits that are made from one half "
    "are judged on the other, both ways; those that are served are made from all rows"
)
FOLDS = 5  # for the distances of rows to rows that do not include them
ROWS_AN_INPUT = 10  # that a Gaussian needs
ALL = "rows"  # the name of the Gaussian of all rows

Labels = npt.NDArray[np.int64]  # (rows,)
Rows = npt.NDArray[np.float32]  # (rows, inputs)


def with_sets(known: Uncertainty, contract: Contract, labels: Labels, probabilities: Rows) -> Uncertainty:
    """Return the uncertainty with prediction sets. `probabilities` is float32 (rows, classes)."""
    classes, level = contract.output.classes, known.level
    _check_halves(np.bincount(labels, minlength=len(classes)), classes, level)
    served, alone = np.zeros(probabilities.shape, np.bool_), np.zeros(probabilities.shape, np.bool_)
    for seen, unseen in both_ways(labels):
        conformal = conformal_thresholds(labels[seen], probabilities[seen], level, classes)
        alone[unseen] = prediction_sets(probabilities[unseen], conformal)
        served[unseen] = prediction_sets(probabilities[unseen], set_thresholds(conformal, level))
    conformal = conformal_thresholds(labels, probabilities, level, classes)
    evidence = msgspec.structs.replace(
        known.evidence,
        coverage=coverage(labels, served, classes),
        conformal_coverage=coverage(labels, alone, classes),
        mean_set_size=float(served.sum(axis=1).mean()),
    )
    return msgspec.structs.replace(
        known, conformal_thresholds=conformal, set_thresholds=set_thresholds(conformal, level), evidence=evidence
    )


def with_p_values(known: Uncertainty, contract: Contract, labels: Labels, probabilities: Rows) -> Uncertainty:
    """Return the uncertainty with what p-values are made from. `probabilities` is float32 (rows, classes)."""
    classes = contract.output.classes
    counts = np.bincount(labels, minlength=len(classes))
    lowest = min(PERCENTS) / 100
    needed = 2 * rows_needed(lowest)
    if counts.min() < needed:
        found = _few(counts, classes, needed)
        raise Refusal(f"expected at least {needed} rows of each class, for level {lowest:g}, found {found}; add some")
    calibration = calibrate(labels, probabilities, classes)
    levels = LevelSets(labels, classes)
    for seen, unseen in both_ways(labels):
        half = calibrate(labels[seen], probabilities[seen], classes)
        levels.judge(np.flatnonzero(unseen), probabilities[unseen], half)
    evidence = msgspec.structs.replace(known.evidence, levels=levels.evidence())
    return msgspec.structs.replace(known, calibration=calibration, evidence=evidence)


def with_intervals(
    known: Uncertainty, contract: Contract, truth: npt.NDArray[np.float64], numbers: npt.NDArray[np.float32]
) -> Uncertainty:
    """Return the uncertainty with an interval for each number. `truth` and `numbers` are (rows, names).

    Each number has its own interval: nothing is claimed about several at once.
    """
    residuals, level = np.abs(truth - numbers.astype(np.float64)), known.level
    _check_halves([len(residuals)], (), level)
    within = np.zeros(residuals.shape, np.bool_)
    for seen, unseen in both_ways(np.zeros(len(residuals), np.int64)):
        within[unseen] = residuals[unseen] <= [half_width(column, level) for column in residuals[seen].T]
    names = contract.output.values
    widths = {name: half_width(column, level) for name, column in zip(names, residuals.T, strict=True)}
    if not all(map(math.isfinite, widths.values())):
        raise Refusal("expected errors that a float32 can hold, found larger ones; correct the targets")
    shares = dict(zip(names, within.mean(axis=0).tolist(), strict=True))
    return msgspec.structs.replace(
        known, half_widths=widths, evidence=msgspec.structs.replace(known.evidence, coverage=shares)
    )


def _check_halves(counts: Sequence[int] | npt.NDArray[np.int64], classes: Sequence[str], level: float) -> None:
    """Raise Refusal if halves of `counts` rows, by class or of all, are too few for the level."""
    needed, fewest = rows_needed(level), int(min(counts)) // 2
    of_each = " of each class" if classes else ""
    if fewest < needed:
        found = _few(counts, classes, 2 * needed)
        lower = f", or choose a level of at most {math.floor(1000 * fewest / (fewest + 1)) / 1000}" if fewest else ""
        raise Refusal(
            f"expected at least {2 * needed} rows{of_each} for level {level:g}, so that each half has {needed}, "
            f"found {found}; add some{lower}"
        )


def _few(counts: Sequence[int] | npt.NDArray[np.int64], classes: Sequence[str], needed: int) -> str:
    """Return how many rows there are of each class that has fewer than `needed`, in words."""
    if not classes:
        return f"{counts[0]}"
    few = [f"{count} of {name}" for name, count in zip(classes, counts, strict=True) if count < needed]
    return ", ".join(few[:MAX_LISTED]) + (f" and {len(few) - MAX_LISTED} more" if len(few) > MAX_LISTED else "")


def with_distance(known: Uncertainty, contract: Contract, rows: Rows, labels: Labels) -> Uncertainty:
    """Return the uncertainty with Gaussians and their limit: one Gaussian a class, or one for all rows.

    `rows` is (rows, inputs). The Gaussians are of the inputs that are numbers, and of the rows that have all of them.
    `labels` are all 0 if the model has no classes.
    """
    numeric = [place for place, each in enumerate(contract.inputs) if each.kind in ("number", "integer")]
    if not 0 < len(numeric) <= MAX_INPUTS:
        raise Refusal(f"expected 1 to {MAX_INPUTS} inputs that are numbers, found {len(numeric)}")
    measured = rows[:, numeric]
    complete = ~np.isnan(measured).any(axis=1)
    measured, labels = measured[complete], labels[complete]
    classes = contract.output.classes or (ALL,)
    _check_gaussians(np.bincount(labels, minlength=len(classes)), contract.output.classes, len(numeric))
    limit = _limit(measured, labels, classes)
    names = tuple(contract.input_names[place] for place in numeric)
    return msgspec.structs.replace(
        known,
        gaussians=fit_gaussians(measured, labels, classes),
        distance_limit=limit,
        inputs=() if names == contract.input_names else names,
        evidence=msgspec.structs.replace(known.evidence, false_alarms=_false_alarms(measured, labels, classes)),
    )


def _check_gaussians(counts: npt.NDArray[np.int64], classes: Sequence[str], inputs: int) -> None:
    needed = ROWS_AN_INPUT * inputs
    if counts.min() < needed:
        of_each = " of each class" if classes else ""
        raise Refusal(
            f"expected at least {needed} rows{of_each} without a missing number, {ROWS_AN_INPUT} for each of {inputs} "
            f"inputs, found {_few(counts, classes, needed)}; add some"
        )


def _limit(rows: Rows, labels: Labels, classes: Sequence[str]) -> float:
    """Return the limit for the distances of rows that have no part in the Gaussians."""
    limit = distance_limit(held_out_distances(rows, labels, folds(labels, FOLDS), classes))
    if not math.isfinite(limit):
        raise Refusal("expected distances that a float32 can hold, found larger ones; correct the rows")
    return limit


def _false_alarms(rows: Rows, labels: Labels, classes: Sequence[str]) -> float:
    """Return the share of rows that are beyond the limit of the other half."""
    alarms = np.zeros(len(rows), np.bool_)
    for seen, unseen in both_ways(labels):
        limit = _limit(rows[seen], labels[seen], classes)
        alarms[unseen] = distances(rows[unseen], fit_gaussians(rows[seen], labels[seen], classes)) > limit
    return float(alarms.mean())
