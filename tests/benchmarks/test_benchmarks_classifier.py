"""The choice of the classifier: who is picked, which birds have a part in it, and what the page says of it."""

from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.metrics import log_loss

from benchmarks.classifier import nested
from benchmarks.classifier.__main__ import checked, differs, verdict
from benchmarks.classifier.figures import Figures, against, figures_of
from benchmarks.classifier.grids import ETAS, ROUNDS, Answers, Parameters
from train import model
from train.contract import CLASSES
from train.evaluate import FOLDS, Fold
from train.penguins import load

SERVED = Parameters(model.ROUNDS, *(float(model.PARAMETERS[name]) for name in Parameters._fields[1:]))
SURE, UNSURE = SERVED._replace(eta=1.0), SERVED._replace(eta=2.0)
BIRDS = load()


def constant(fold: Fold, share: float) -> Answers:
    """Return answers that give this share to the first species, and the rest to the others alike."""
    rest = (1 - share) / (len(CLASSES) - 1)
    return np.tile(np.array([share, *[rest] * (len(CLASSES) - 1)], np.float32), (len(fold.unseen_table), 1))


@pytest.fixture
def folds(monkeypatch: pytest.MonkeyPatch) -> list[Fold]:
    """Try two sets of parameters that need no fit, and no rivals. Return the folds that they are given."""
    given: list[Fold] = []

    def grid(fold: Fold) -> Iterator[tuple[Parameters, Answers]]:
        given.append(fold)
        for rounds in ROUNDS:
            yield SURE._replace(rounds=rounds), constant(fold, 0.36 if rounds == 100 else 0.9)
            yield UNSURE._replace(rounds=rounds), constant(fold, 0.4)

    monkeypatch.setattr(nested, "model_grid", grid)
    monkeypatch.setattr(nested, "CHOICES", {})
    monkeypatch.setattr(nested, "refit", lambda _, fold: constant(fold, 0.5))
    return given


def test_the_least_loss_is_picked(folds: list[Fold]) -> None:
    """For each number of rounds it is that of the whole cross-validation, as scikit-learn computes it."""
    picked = nested.pick(BIRDS.measurements, BIRDS.labels).model
    for rounds in ROUNDS:
        best, share = (SURE, 0.36) if rounds == 100 else (UNSURE, 0.4)
        answers = np.concatenate([constant(fold, share) for fold in folds])
        assert len(answers) == len(BIRDS.labels)
        assert picked[rounds].chosen == best._replace(rounds=rounds)
        assert picked[rounds].loss == pytest.approx(log_loss(BIRDS.labels, answers, labels=range(len(CLASSES))))


def test_no_bird_has_a_part_in_the_choice_that_it_judges(folds: list[Fold]) -> None:
    """The folds in which parameters are chosen hold only birds that the outer fold may see, and each of them once."""
    judged: list[int] = []
    for number in range(FOLDS):
        folds.clear()
        result = nested.judge(number, repeats=1)
        inner = np.concatenate([fold.unseen_table[:, : BIRDS.measurements.shape[1]] for fold in folds])
        seen = np.delete(BIRDS.measurements, result.unseen, axis=0)
        assert sorted(map(tuple, inner.tolist())) == sorted(map(tuple, seen.tolist()))
        assert all(len(fold.labels) + len(fold.unseen_table) == len(seen) for fold in folds)
        judged += result.unseen.tolist()
    assert sorted(judged) == list(range(len(BIRDS.labels)))


def test_differences_are_paired_by_bird() -> None:
    """A difference has the mean of the birds' differences, and an interval that a plain bootstrap gives, too."""
    random = np.random.default_rng(5)
    labels = random.integers(0, 3, 60)
    answers = random.dirichlet([1, 1, 1], (2, 2, 60)).astype(np.float32)
    own, other = figures_of(labels, answers[0]), figures_of(labels, answers[1])
    assert own.loss == pytest.approx(
        np.mean([log_loss(labels, each, labels=range(3)) for each in answers[0]]), rel=1e-6
    )
    _, loss = against(own, other)
    assert loss.mean == pytest.approx(other.loss - own.loss)
    paired = (other.by_bird - own.by_bird)[:, 1]
    plain = paired[random.integers(0, 60, (20_000, 60))].mean(axis=1)
    assert (loss.low, loss.high) == pytest.approx(np.quantile(plain, [0.025, 0.975]), abs=0.02)
    assert against(own, own)[1] == (0, 0, 0)


def test_the_verdict_names_who_is_better_and_who_is_worse() -> None:
    """A rival counts as better or worse if the interval of the difference excludes 0."""

    def of(loss: float) -> Figures:
        by_bird = np.column_stack([np.ones(50), np.full(50, loss)])
        return Figures(1.0, loss, (loss, loss), by_bird)

    said = verdict(of(0.2), {"better": of(0.1), "worse": of(0.3), "equal": of(0.2)})
    assert said.startswith("better has a better log loss")
    assert "1 of 3 have a worse one so clearly (worse)" in said


def test_other_parameters_than_those_that_are_served_are_told() -> None:
    """The page says whether train/model.py has what is picked; what is served is among what is tried."""
    assert any(eta == SERVED.eta and SERVED.rounds in rounds for eta, rounds in ETAS.items())
    assert not differs(SERVED)
    assert differs(SURE)
    assert "type: make nested" in checked(SURE)
