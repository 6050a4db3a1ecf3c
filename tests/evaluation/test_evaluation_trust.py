"""The parts of an uncertainty: what is served comes from all rows, what is claimed is measured on other halves."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from contract.refusal import Refusal
from contract.schema import Contract, Input, Output
from contract.uncertainty import MAX_INPUTS, Evidence, Uncertainty
from evaluation.split import folds
from evaluation.trust import FOLDS, with_distance, with_intervals, with_p_values, with_sets

CLASSES = ("no", "yes", "perhaps")
INPUTS = (Input("a"), Input("plan", kind="category", categories=("x", "y")), Input("b", kind="integer", missing=True))
CLASSIFIER = Contract("t", INPUTS, Output(classes=CLASSES))
NUMBER = Contract("t", INPUTS, Output("number"))


def nothing(level: float = 0.9) -> Uncertainty:
    return Uncertainty("0" * 64, level, Evidence("none"))


def answers(seed: int, rows: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Draw labels and probabilities of a model that is often right."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, rows)
    scores = np.exp(random.normal(size=(rows, 3)) + 2 * np.eye(3)[labels])
    return labels, (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)


@given(st.integers(0, 1000), st.sampled_from([0.8, 0.9]))
def test_sets_by_brute_force(seed: int, level: float) -> None:
    """Thresholds and coverage are those of sorted lists, one row at a time."""
    labels, probabilities = answers(seed, 150)
    found = with_sets(nothing(level), CLASSIFIER, labels, probabilities)
    half = folds(labels, 2)
    for label, name in enumerate(CLASSES):
        own = [float(each) for each in probabilities[labels == label, label]]
        assert found.conformal_thresholds[name] == threshold(own, level)
        assert found.set_thresholds[name] == min(threshold(own, level), float(np.float32(1 - level)))
        held = alone = 0
        for row in np.flatnonzero(labels == label):
            others = [float(each) for each in probabilities[(labels == label) & (half != half[row]), label]]
            alone += probabilities[row, label] >= threshold(others, level)
            held += probabilities[row, label] >= min(threshold(others, level), float(np.float32(1 - level)))
        assert found.evidence.coverage[name] == held / len(own)
        assert found.evidence.conformal_coverage[name] == alone / len(own)
    assert found.evidence.mean_set_size is not None
    assert 1 <= found.evidence.mean_set_size <= 3


def threshold(own: list[float], level: float) -> float:
    """Return the largest probability that enough of a class's rows reach: the definition, by trying all."""
    wanted = math.ceil(round(level * (len(own) + 1), 9))
    return max(each for each in own if sum(other >= each for other in own) >= wanted)


def test_sets_cover_what_they_claim() -> None:
    """On one fixed draw of 3,000 rows, the misses by class are these."""
    labels, probabilities = answers(7, 3000)
    evidence = with_sets(nothing(), CLASSIFIER, labels, probabilities).evidence
    rows = np.bincount(labels)
    missed = [round((1 - share) * each) for share, each in zip(evidence.conformal_coverage.values(), rows, strict=True)]
    assert missed == [97, 95, 108]
    assert all(abs(each - 0.1 * count) < 0.02 * count for each, count in zip(missed, rows, strict=True))
    assert all(share >= evidence.conformal_coverage[name] for name, share in evidence.coverage.items())


@pytest.mark.parametrize(
    ("counts", "level", "complaint"),
    [
        ((20, 17, 18), 0.9, "expected at least 18 rows of each class for level 0.9, so that each half has 9, found "
         "17 of yes; add some, or choose a level of at most 0.888"),
        ((40, 17, 0), 0.95, "expected at least 38 rows of each class .* found 17 of yes, 0 of perhaps; add some$"),
    ],
)  # fmt: skip
def test_too_few_rows_of_a_class_give_no_sets(counts: tuple[int, ...], level: float, complaint: str) -> None:
    """The refusal says which classes have too few rows, how many are needed, and which level they can show."""
    labels = np.repeat(np.arange(3), counts)
    probabilities = answers(0, len(labels))[1]
    with pytest.raises(Refusal, match=complaint):
        with_sets(nothing(level), CLASSIFIER, labels, probabilities)


def test_just_enough_rows_give_sets() -> None:
    """The rows that the refusal asks for are enough, and so is the level that it names."""
    labels, probabilities = np.repeat(np.arange(3), 18), answers(0, 54)[1]
    assert with_sets(nothing(0.9), CLASSIFIER, labels, probabilities).set_thresholds
    assert with_sets(nothing(0.888), CLASSIFIER, labels[1:], probabilities[1:]).set_thresholds


def test_p_values_are_measured_as_sets_are() -> None:
    """At a level that has prediction sets too, the figures of p-values are theirs; all rows calibrate in the end."""
    labels, probabilities = answers(7, 600)
    found = with_p_values(nothing(), CLASSIFIER, labels, probabilities)
    sets = with_sets(nothing(0.9), CLASSIFIER, labels, probabilities).evidence
    level = found.evidence.levels[1]
    assert (level.level, level.coverage, level.served_coverage) == (0.9, sets.conformal_coverage, sets.coverage)
    assert level.served_mean_size == sets.mean_set_size
    for label, own in enumerate(found.calibration.values()):
        assert own == tuple(sorted(probabilities[labels == label, label].tolist()))


def test_too_few_rows_of_a_class_give_no_p_values() -> None:
    """Eight rows of each class are enough for the lowest level, and seven are not."""
    labels, probabilities = np.repeat(np.arange(3), 8), answers(0, 24)[1]
    assert with_p_values(nothing(), CLASSIFIER, labels, probabilities).calibration
    with pytest.raises(Refusal, match=r"at least 8 rows of each class, for level 0\.8, found 7 of no; add some"):
        with_p_values(nothing(), CLASSIFIER, labels[1:], probabilities[1:])


@given(st.integers(0, 1000), st.integers(40, 80), st.sampled_from([0.5, 0.9]))
def test_intervals_by_brute_force(seed: int, rows: int, level: float) -> None:
    """Widths and coverage are those of sorted lists, for each of two targets."""
    random = np.random.default_rng(seed)
    truth = random.normal(size=(rows, 2))
    numbers = (truth + random.normal(size=(rows, 2))).astype(np.float32)
    contract = Contract("t", INPUTS, Output("numbers", names=("x", "y")))
    found = with_intervals(nothing(level), contract, truth, numbers)
    half = folds(np.zeros(rows, np.int64), 2)
    for place, name in enumerate(("x", "y")):
        residuals = [abs(one - float(other)) for one, other in zip(truth[:, place], numbers[:, place], strict=True)]
        assert found.half_widths[name] == pytest.approx(ranked(residuals, level), rel=1e-6)
        within = [
            residual <= ranked([each for each, other in zip(residuals, half, strict=True) if other != own], level)
            for residual, own in zip(residuals, half, strict=True)
        ]
        assert found.evidence.coverage[name] == sum(within) / rows


def ranked(residuals: list[float], level: float) -> float:
    return sorted(residuals)[math.ceil(round(level * (len(residuals) + 1), 9)) - 1]


@pytest.mark.parametrize(("rows", "works"), [(38, True), (37, False)])
def test_intervals_need_rows(rows: int, works: bool) -> None:
    """Both halves have to show the level."""
    truth = np.arange(rows, dtype=np.float64)[:, None]
    if works:
        found = with_intervals(nothing(0.95), NUMBER, truth, np.zeros((rows, 1), np.float32))
        assert found.half_widths == {"prediction": 37.0}
        return
    with pytest.raises(Refusal, match=r"at least 38 rows for level 0\.95, so that each half has 19, found 37; add"):
        with_intervals(nothing(0.95), NUMBER, truth, np.zeros((rows, 1), np.float32))


def test_errors_beyond_float32_give_no_interval() -> None:
    """A width that float32 cannot hold is refused."""
    truth = np.full((40, 1), 3e38)
    with pytest.raises(Refusal, match="errors that a float32 can hold"):
        with_intervals(nothing(), NUMBER, truth, -truth.astype(np.float32))


def measured(seed: int, rows: int) -> npt.NDArray[np.float32]:
    """Draw rows of INPUTS."""
    random = np.random.default_rng(seed)
    found = random.normal(size=(rows, 3)) * [1, 0, 100] + [5, 1, 0]
    return found.astype(np.float32)


@pytest.mark.parametrize(("contract", "names"), [(CLASSIFIER, CLASSES), (NUMBER, ("rows",))])
def test_distances_by_double_precision(contract: Contract, names: tuple[str, ...]) -> None:
    """Gaussians, limit and false alarms are those of numpy and scipy, of the numeric inputs and the complete rows."""
    rows = measured(1, 620)
    labels = np.arange(620) % len(names)
    rows[::31, 2] = np.nan
    found = with_distance(nothing(), contract, rows, labels)
    assert (tuple(found.gaussians), found.inputs) == (names, ("a", "b"))
    known = ~np.isnan(rows[:, 2])
    complete, labels = rows[known][:, [0, 2]].astype(np.float64), labels[known]
    for label, gaussian in enumerate(found.gaussians.values()):
        assert np.allclose(gaussian.mean, complete[labels == label].mean(axis=0), rtol=1e-6)
    assert found.distance_limit == pytest.approx(limit_of(complete, labels), rel=1e-4)
    alarms = 0
    for half in (0, 1):
        seen = folds(labels, 2) == half
        limit = limit_of(complete[seen], labels[seen])
        alarms += int((apart(complete[~seen], complete[seen], labels[seen]) > limit).sum())
    assert found.evidence.false_alarms == alarms / len(complete)
    assert 0 < alarms < 0.03 * len(complete)


def apart(asked: npt.NDArray[Any], known: npt.NDArray[Any], labels: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Return the smallest Mahalanobis distance of the asked rows to the classes of the known rows, in float64."""
    each = []
    for label in np.unique(labels):
        own = known[labels == label]
        inverse = np.linalg.inv(np.cov(own, rowvar=False))
        each.append(cdist(asked, own.mean(axis=0)[None], "mahalanobis", VI=inverse)[:, 0])
    return np.asarray(np.min(each, axis=0))


def limit_of(rows: npt.NDArray[Any], labels: npt.NDArray[np.int64]) -> float:
    fold = folds(labels, FOLDS)
    far = np.concatenate([apart(rows[fold == each], rows[fold != each], labels[fold != each]) for each in range(FOLDS)])
    return float(np.sort(far)[min(math.ceil(0.99 * (len(far) + 1)), len(far)) - 1])


def test_distances_over_all_inputs_name_none() -> None:
    """If every input is a number, the distance is over all inputs."""
    contract = Contract("t", (Input("a"),), Output("number"))
    found = with_distance(nothing(), contract, measured(0, 60)[:, :1], np.zeros(60, np.int64))
    assert found.inputs == ()
    assert len(found.gaussians["rows"].mean) == 1


def inputs(count: int) -> Contract:
    return Contract("t", tuple(Input(f"x{place}") for place in range(count)), Output("number"))


@pytest.mark.parametrize(
    ("contract", "rows", "complaint"),
    [
        (Contract("t", INPUTS[1:2], Output("number")), np.zeros((99, 1)), f"1 to {MAX_INPUTS} inputs .* found 0"),
        (inputs(MAX_INPUTS + 1), np.zeros((9, MAX_INPUTS + 1)), f"inputs that are numbers, found {MAX_INPUTS + 1}"),
        (NUMBER, measured(0, 19), "at least 20 rows without a missing number, 10 for each of 2 inputs, found 19; add"),
        (NUMBER, np.where(measured(0, 99) > 0, np.nan, 1), "at least 20 rows .* found"),
        (CLASSIFIER, measured(0, 58), "at least 20 rows of each class .* found 19 of yes, 19 of perhaps; add some"),
        (inputs(2), np.ones((99, 2)), "rows of rows whose inputs vary independently"),
    ],
)
def test_rows_that_give_no_distance(contract: Contract, rows: npt.NDArray[Any], complaint: str) -> None:
    """One line says why there is no distance."""
    labels = np.arange(len(rows)) % (3 if contract.output.classed else 1)
    with pytest.raises(Refusal, match=complaint):
        with_distance(nothing(), contract, rows.astype(np.float32), labels)


def test_distances_beyond_float32_are_refused() -> None:
    """Two classes that are farther apart than float32 reaches have no limit."""
    random, labels = np.random.default_rng(0), np.arange(200) % 2
    common, own = random.normal(size=(200, 1)), random.normal(size=(200, 2))
    rows = ((6 * labels[:, None] - 3) * 1e38 + (common + own) * 1e36).astype(np.float32)
    contract = Contract("t", inputs(2).inputs, Output(classes=("a", "b")))
    with pytest.raises(Refusal, match="distances that a float32 can hold"):
        with_distance(nothing(), contract, rows, labels)
