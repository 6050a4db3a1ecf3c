"""Which birds are refused, which are called out of distribution, and how long it takes to know."""

import statistics
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.trust.cases import AS_THEY_ARE, Rows, mistakes, points
from binding.library import Library
from contract.uncertainty import Uncertainty
from evaluation.distances import distances, fit_gaussians
from score.guesses import guess
from train.contract import CLASSES, CONTRACT
from train.evaluate import hold_out
from train.penguins import load

TIMED_ROWS, REPEATS = 100_000, 31


class Figures(NamedTuple):
    """Shares of the rows of a case. `fixed`: of those refused, the suggestion was the very bird; `wrong`: another."""

    name: str
    refused: float
    fixed: float | None  # None if there was nothing to suggest
    wrong: float | None
    unusual: float  # of all, by their distance alone
    noticed: float  # refused, or answered as out of distribution


def measure_cases(library: Library, reference: Uncertainty) -> Iterator[Figures]:
    """Judge every bird by Gaussians of the other folds, without and with each mistake; then random points."""
    birds = load()
    assert reference.distance_limit is not None
    decimals = birds.measurements.astype(str).astype(np.float64)
    folds = hold_out(birds.measurements, birds.labels, repeats=1).folds[0]
    for name, change in [AS_THEY_ARE, *mistakes()]:
        changed = change(decimals)
        nearest = np.empty(len(changed), np.float32)
        for fold in np.unique(folds):
            others = folds != fold
            gaussians = fit_gaussians(birds.measurements[others], birds.labels[others], CLASSES)
            nearest[~others] = distances(changed[~others].astype(np.float32), gaussians)
        yield _figures(name, changed, decimals, nearest > reference.distance_limit)
    for name, rows in points():
        nothing = bytes(4 * len(rows) * len(CLASSES))
        judged = library.judge_rows(rows.astype(np.float32).tobytes(), nothing, len(rows))
        yield _figures(name, rows, None, np.frombuffer(judged.in_distribution, np.int32) == 0)


def _figures(name: str, rows: Rows, meant: Rows | None, unusual: npt.NDArray[np.bool_]) -> Figures:
    low, high = np.array([each.bounds for each in CONTRACT.inputs]).T
    refused = ((rows < low) | (rows > high)).any(axis=1)
    unusual_share, noticed = float(unusual.mean()), float((refused | unusual).mean())
    if meant is None or not refused.any():
        return Figures(name, float(refused.mean()), None, None, unusual_share, noticed)
    found = [guess(CONTRACT.inputs, tuple(row)) for row in rows[refused].tolist()]
    right = [
        each is not None and np.allclose(list(each.suggestion.values()), bird, rtol=1e-4)
        for each, bird in zip(found, meant[refused].tolist(), strict=True)
    ]
    fixed, suggested = float(np.mean(right)), float(np.mean([each is not None for each in found]))
    return Figures(name, float(refused.mean()), fixed, suggested - fixed, unusual_share, noticed)


def distance_ns(library: Library) -> float:
    """Return nanoseconds of distance, comparison and prediction set of a bird; the median of several passes."""
    birds = load().measurements
    rows = np.resize(birds, (TIMED_ROWS, birds.shape[1])).tobytes()
    shares = np.full((TIMED_ROWS, len(CLASSES)), 1 / 3, np.float32).tobytes()
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter_ns()
        library.judge_rows(rows, shares, TIMED_ROWS)
        taken.append((time.perf_counter_ns() - start) / TIMED_ROWS)
    return statistics.median(taken)
