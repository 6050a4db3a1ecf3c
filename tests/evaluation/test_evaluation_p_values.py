"""P-values: equal to those of crepes, their sets to those of MAPIE, and what is kept of many rows changes no set."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from crepes import WrapClassifier
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from mapie.classification import SplitConformalClassifier

from contract.refusal import Refusal
from contract.uncertainty import PERCENTS
from evaluation.conformal import conformal_thresholds, prediction_sets, set_thresholds
from evaluation.p_values import (
    MOST_ROWS,
    LevelSets,
    calibrate,
    p_value_sets,
    p_values,
    served_thresholds,
    thinned,
)
from tests.support.told import Told

CLASSES = ("no", "yes", "perhaps")


def drawn(seed: int, rows: int, steps: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Draw labels and probabilities, which are multiples of 1 / steps: float32 can hold them, and many are equal.

    Each class has some row.
    """
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(3), random.integers(0, 3, rows - 3)])
    parts = np.array(
        [random.multinomial(steps, share) for share in random.dirichlet([1, 1, 1] + np.eye(3)[labels[0]], rows)]
    )
    return labels, (parts / steps).astype(np.float32)


@given(st.integers(0, 10_000), st.integers(3, 120), st.sampled_from([4, 64, 4096]))
def test_p_values_are_those_of_crepes(seed: int, rows: int, steps: int) -> None:
    """Every p-value has the bits of crepes' label-conditional one without smoothing, also if scores are equal."""
    labels, probabilities = drawn(seed, rows, steps)
    asked = drawn(seed + 1, 20, steps)[1]
    doubles = probabilities.astype(np.float64)
    oracle = WrapClassifier(Told().fit(doubles, labels))
    oracle.calibrate(doubles, labels, class_cond=True)
    expected = oracle.predict_p(asked.astype(np.float64), smoothing=False)
    assert np.array_equal(p_values(asked, calibrate(labels, probabilities, CLASSES)), expected)


# MAPIE warns that rows of one class have fewer labels than all: that is what label-conditional means.
@pytest.mark.filterwarnings("ignore:WARNING. your conformalization dataset has less labels:UserWarning")
@pytest.mark.parametrize("seed", range(4))
def test_sets_are_those_of_mapie(seed: int) -> None:
    """A class is in a set where MAPIE's split conformal classifier has it that saw the rows of this class alone."""
    labels, probabilities = drawn(seed, 500 + 31 * seed, 4096)
    asked = drawn(seed + 100, 300, 4096)[1]
    calibration = calibrate(labels, probabilities, CLASSES)
    levels = [percent / 100 for percent in PERCENTS]
    told = Told().fit(probabilities, labels)
    for label in range(3):
        oracle = SplitConformalClassifier(told, confidence_level=levels, conformity_score="lac", prefit=True)
        own = labels == label
        oracle.conformalize(probabilities[own].astype(np.float64), labels[own])
        expected = oracle.predict_set(asked.astype(np.float64))[1]
        for place, percent in enumerate(PERCENTS):
            found = p_value_sets(asked, calibration, percent)
            assert np.array_equal(found[:, label], expected[:, label, place]), (label, percent)


@given(st.integers(0, 10_000), st.integers(3, 400), st.sampled_from([4, 64, 4096]))
def test_sets_are_p_values_above_one_minus_the_level(seed: int, rows: int, steps: int) -> None:
    """Sets are those of exact fractions, and those of the conformal thresholds, where these exist."""
    labels, probabilities = drawn(seed, rows, steps)
    asked = drawn(seed + 1, 20, steps)[1]
    calibration = calibrate(labels, probabilities, CLASSES)
    counts = np.bincount(labels)
    for percent in PERCENTS:
        found = p_value_sets(asked, calibration, percent)
        for label, own in enumerate(calibration.values()):
            for row, share in enumerate(asked[:, label].tolist()):
                exact = Fraction(1 + sum(each <= share for each in own), 1 + len(own))
                assert found[row, label] == (exact > 1 - Fraction(percent, 100))
        if counts.min() > percent / (100 - percent):
            thresholds = conformal_thresholds(labels, probabilities, percent / 100, CLASSES)
            assert np.array_equal(found, prediction_sets(asked, thresholds))
            served = set_thresholds(thresholds, percent / 100)
            assert served_thresholds(calibration, percent).tolist() == [*served.values()]


ascending = npst.arrays(np.float32, st.integers(1, 3_000), elements=st.integers(0, 64).map(lambda n: n / 64)).map(
    np.sort
)


@given(ascending, st.sampled_from([19, 99, 199, 1_999]))
def test_thinning_is_conservative(own: npt.NDArray[np.float32], most: int) -> None:
    """P-values from fewer rows are never smaller, hardly larger, and in the same sets at multiples of 1 / (m + 1)."""
    few = thinned(own, most)
    assert len(few) == min(len(own), most)
    for share in np.unique(np.concatenate([own, [np.float32(-1), np.float32(2)]])):
        whole = Fraction(1 + int((own <= share).sum()), 1 + len(own))
        part = Fraction(1 + int((few <= share).sum()), 1 + len(few))
        assert 0 <= part - whole <= (Fraction(1, most + 1) if len(own) > most else 0)
        if len(own) > most:  # as many multiples are below
            assert math.ceil(part * (most + 1)) == math.ceil(whole * (most + 1))


def test_many_rows_are_thinned() -> None:
    """A class keeps at most MOST_ROWS, a tenth of them if there are many classes, and the others keep theirs."""
    labels, probabilities = drawn(0, 3 * 5_000, 4096)
    labels[:30] = 2
    labels[30:] %= 2
    kept = calibrate(labels, probabilities, CLASSES)
    assert [len(own) for own in kept.values()] == [MOST_ROWS, MOST_ROWS, 30 + int((labels[30:] == 2).sum())]
    many = [f"class {number}" for number in range(101)]
    labels = np.arange(101).repeat(250)
    found = calibrate(labels, np.full((len(labels), 101), 0.5, np.float32), many)
    assert {len(own) for own in found.values()} == {199}


def test_what_cannot_be_calibrated_is_refused() -> None:
    """Thousands of classes, or a class without a row, are refused by name."""
    labels, probabilities = np.array([0, 1]), np.full((2, 3), 0.3, np.float32)
    with pytest.raises(Refusal, match="expected a row of each class, found none of perhaps"):
        calibrate(labels, probabilities, CLASSES)
    with pytest.raises(Refusal, match="at most 1,000 classes, found 1,001"):
        calibrate(labels, probabilities, [*map(str, range(1_001))])


def test_the_figures_of_a_level_are_counted() -> None:
    """Coverage, size and the share of empty sets are those of counting row by row, for both kinds of sets."""
    labels, probabilities = drawn(3, 200, 64)
    half = np.arange(200) % 2 == 0
    levels = LevelSets(labels, CLASSES)
    found = [calibrate(labels[seen], probabilities[seen], CLASSES) for seen in (half, ~half)]
    for unseen, calibration in zip((~half, half), found, strict=True):
        levels.judge(np.flatnonzero(unseen), probabilities[unseen], calibration)
    for evidence, percent in zip(levels.evidence(), PERCENTS, strict=True):
        sets, served = [], []
        for row, own in enumerate(probabilities):
            calibration = found[row % 2 == 0]
            sets.append(p_value_sets(own[None], calibration, percent)[0].tolist())
            served.append((own >= served_thresholds(calibration, percent)).tolist())
        assert evidence.level == percent / 100
        assert evidence.mean_size == pytest.approx(sum(map(sum, sets)) / 200)
        assert evidence.served_mean_size == pytest.approx(sum(map(sum, served)) / 200)
        assert evidence.empty == sum(not any(each) for each in sets) / 200
        for label, name in enumerate(CLASSES):
            assert evidence.coverage[name] == pytest.approx(share_within(sets, labels, label))
            assert evidence.served_coverage[name] == pytest.approx(share_within(served, labels, label))


def share_within(sets: Sequence[Sequence[bool]], labels: npt.NDArray[np.int64], label: int) -> float:
    """Return the share of a class's rows whose set has the class."""
    own = [members[label] for members, each in zip(sets, labels, strict=True) if each == label]
    return sum(own) / len(own)
