"""Other classifiers: they answer as scikit-learn's do in a loop of one's own, and their figures are compared fairly."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from contract.training import TrainingSummary
from train.contract import CONTRACT
from train.penguins import Penguins
from train.rivals import AXES, COLUMNS, MEASUREMENTS, RIVALS, WITH_RATIOS

DIRECT: dict[str, Any] = {
    "linear discriminant analysis": LinearDiscriminantAnalysis,
    "quadratic discriminant analysis": QuadraticDiscriminantAnalysis,
    "naive Bayes, Gaussian": GaussianNB,
    "logistic regression": lambda: make_pipeline(StandardScaler(), LogisticRegression(tol=1e-6)),
    "k nearest neighbours": lambda: make_pipeline(StandardScaler(), KNeighborsClassifier(15, weights="distance")),
    "XGBoost's defaults": lambda: XGBClassifier(n_jobs=1),
}


def by_hand(
    birds: npt.NDArray[np.float64], labels: npt.NDArray[np.int64], make: Any
) -> tuple[npt.NDArray[np.float64], float]:
    """Return accuracy and log loss, means over 25 folds, and the Brier score of all answers, by scikit-learn."""
    found, truth, answers = [], [], []
    for seen, unseen in RepeatedStratifiedKFold(n_splits=5, n_repeats=5, random_state=0).split(birds, labels):
        given = make().fit(birds[seen], labels[seen]).predict_proba(birds[unseen])
        right = accuracy_score(labels[unseen], given.argmax(axis=1))
        found.append((right, log_loss(labels[unseen], given)))
        truth.append(labels[unseen])
        answers.append(given)
    brier = brier_score_loss(np.concatenate(truth), np.concatenate(answers), scale_by_half=False)
    return np.mean(found, axis=0), float(brier)


@pytest.mark.parametrize("name", DIRECT)
def test_figures_are_those_of_scikit_learn(summary: TrainingSummary, penguins: Penguins, name: str) -> None:
    """Accuracy, log loss and Brier score equal those of a loop that shares no code with ours."""
    birds, labels = penguins.measurements.astype(np.float64), penguins.labels
    figures, brier = by_hand(birds, labels, DIRECT[name])
    found = next(each for each in summary.baselines if each.name == name)
    # LDA has another solver, and probabilities are rounded to float32.
    np.testing.assert_allclose((found.accuracy, found.log_loss), figures, rtol=1e-4, atol=2e-6)
    assert found.brier_score == pytest.approx(brier, rel=1e-4)


def test_every_rival_has_its_figures(summary: TrainingSummary) -> None:
    """All rivals are there in order, and each figure is within its interval."""
    assert [each.name for each in summary.baselines] == [each.name for each in RIVALS]
    figures = summary.cross_validation
    for each in summary.baselines:
        assert each.accuracy_interval[0] <= each.accuracy <= each.accuracy_interval[1]
        assert each.log_loss_interval[0] <= each.log_loss <= each.log_loss_interval[1]
        low, high = each.log_loss_difference_interval
        assert low <= each.log_loss_difference <= high
        assert each.log_loss_difference == pytest.approx(each.log_loss - figures.log_loss, abs=2e-6)
        assert each.accuracy_difference == pytest.approx(each.accuracy - figures.accuracy, abs=2e-6)


def test_no_rival_is_better(summary: TrainingSummary) -> None:
    """No rival's log loss is smaller than the model's with an interval that excludes 0."""
    assert all(each.log_loss_difference_interval[1] > 0 for each in summary.baselines)


def test_columns_are_those_that_they_are_called() -> None:
    """Measurements, ratios and axes are columns of the table in the contract's order."""
    names = {kind: [CONTRACT.features[place] for place in places] for kind, places in COLUMNS.items()}
    assert tuple(names[MEASUREMENTS]) == CONTRACT.input_names
    assert names[AXES] == ["discriminant_1", "discriminant_2"]
    assert names[WITH_RATIOS] == [*CONTRACT.features[:10]]
