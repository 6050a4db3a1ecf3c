"""Thresholds are the order statistics that the level asks for, and sets cover what they claim."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.refusal import Refusal
from evaluation.conformal import (
    LEVEL,
    conformal_thresholds,
    coverage,
    half_width,
    prediction_sets,
    rank,
    rows_needed,
    set_thresholds,
)

CLASSES = ("Gentoo", "Chinstrap", "Adelie")
levels = st.floats(0.67, 0.99)


def simulated(
    seed: int, rows: int, confidence: float, classes: int = 3
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Draw labels and probabilities of a model that is better or worse than it thinks."""
    random = np.random.default_rng(seed)
    labels = np.arange(rows) % classes
    scores = random.normal(size=(rows, classes)) + 2 * np.eye(classes)[labels]
    shares = np.exp(confidence * scores)
    return labels, (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


@given(st.integers(0, 1000), levels)
def test_the_threshold_is_the_order_statistic(seed: int, level: float) -> None:
    """The threshold is the order statistic that the level asks for."""
    labels, probabilities = simulated(seed, 3 * 110, 1.0)
    for label, threshold in enumerate(conformal_thresholds(labels, probabilities, level, CLASSES).values()):
        own = probabilities[labels == label, label]
        assert (own >= threshold).sum() == math.ceil(round(level * 111, 9))


@pytest.mark.parametrize("confidence", [0.5, 1.0, 4.0])
def test_coverage_is_what_is_claimed(confidence: float) -> None:
    """Sets contain at least the claimed share of every class's new rows."""
    labels, probabilities = simulated(1, 3 * 40_000, confidence)
    half = np.arange(len(labels)) % 2 == 0
    thresholds = conformal_thresholds(labels[half], probabilities[half], LEVEL, CLASSES)
    alone = coverage(labels[~half], prediction_sets(probabilities[~half], thresholds), CLASSES)
    served = coverage(labels[~half], prediction_sets(probabilities[~half], set_thresholds(thresholds, LEVEL)), CLASSES)
    for name in CLASSES:
        assert alone[name] == pytest.approx(LEVEL, abs=0.006)
        assert served[name] >= alone[name]


@given(st.integers(0, 1000), st.floats(0.05, 0.99), st.sampled_from([0.0, 0.5, 1.0, 4.0]), st.integers(2, 40))
def test_the_most_probable_class_is_in_every_set(seed: int, level: float, confidence: float, classes: int) -> None:
    """Every set has the most probable class, of two classes or of many, at any level."""
    labels, probabilities = simulated(seed, classes * 110, confidence, classes)
    conformal = conformal_thresholds(labels, probabilities, level, [str(name) for name in range(classes)])
    sets = prediction_sets(probabilities, set_thresholds(conformal, level))
    assert sets[np.arange(len(sets)), probabilities.argmax(axis=1)].all()


@given(st.floats(0.01, 0.999))
def test_the_rows_needed_are_the_fewest(level: float) -> None:
    """One row fewer cannot show the level."""
    rows = rows_needed(level)
    assert rank(level, rows) <= rows
    assert rows == 1 or rank(level, rows - 1) > rows - 1


@pytest.mark.parametrize(("level", "rows"), [(0.5, 1), (0.9, 9), (0.95, 19), (0.99, 99), (0.999, 999)])
def test_the_rows_needed_by_hand(level: float, rows: int) -> None:
    """Binary fractions do not ask for one row more."""
    assert rows_needed(level) == rows


@pytest.mark.parametrize(("rows", "largest"), [(68, "0.985"), (18, "0.947")])
def test_too_few_rows_for_a_level_are_refused(rows: int, largest: str) -> None:
    """A level that too few rows cannot show is refused with one that they can."""
    labels, probabilities = simulated(0, 3 * rows, 1.0)
    with pytest.raises(Refusal, match=rf"{rows} birds of Gentoo.*needs 99; choose at most {largest}"):
        conformal_thresholds(labels, probabilities, 0.99, CLASSES, "bird")
    assert conformal_thresholds(labels, probabilities, float(largest), CLASSES)


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=60, unique=True), st.floats(0.01, 0.99))
def test_intervals_hold_an_exact_share_of_left_out_numbers(residuals: list[int], level: float) -> None:
    """Of n + 1 different residuals, exactly ceil(level (n + 1)) are within the width of the n others."""
    others = len(residuals) - 1
    values = np.array(residuals, np.float64)
    if rank(level, others) > others:
        return
    within = [values[place] <= half_width(np.delete(values, place), level) for place in range(len(values))]
    assert sum(within) == math.ceil(round(level * (others + 1), 9))


@given(st.integers(0, 1000), levels)
def test_sets_hold_an_exact_share_of_left_out_rows(seed: int, level: float) -> None:
    """Of the n + 1 rows of a class, exactly ceil(level (n + 1)) are in the set that the n others make."""
    labels, probabilities = simulated(seed, 60, 1.0)
    hits = np.zeros(3, np.int64)
    if rank(level, 19) > 19:
        return
    for place in range(len(labels)):
        left = np.arange(len(labels)) != place
        thresholds = conformal_thresholds(labels[left], probabilities[left], level, CLASSES)
        hits[labels[place]] += prediction_sets(probabilities[[place]], thresholds)[0, labels[place]]
    if all(len(np.unique(probabilities[labels == label, label])) == 20 for label in range(3)):
        assert hits.tolist() == [math.ceil(round(level * 20, 9))] * 3


@given(st.lists(st.floats(0, 1e30), min_size=1, max_size=60), st.floats(0.01, 0.99))
def test_the_half_width_is_the_least_that_holds_enough(residuals: list[float], level: float) -> None:
    """Enough residuals are within the width, and not within the next smaller float32."""
    wanted = math.ceil(round(level * (len(residuals) + 1), 9))
    if wanted > len(residuals):
        return
    width = half_width(np.array(residuals), level)
    assert width == np.float32(width)
    assert sum(residual <= width for residual in residuals) >= wanted
    smaller = float(np.nextafter(np.float32(width), np.float32(-np.inf)))
    assert sum(residual <= smaller for residual in residuals) < wanted
