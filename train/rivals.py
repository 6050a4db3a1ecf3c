"""Other classifiers of the same birds: what a simpler one gives, and XGBoost as it comes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from contract.derived import Projection
from train.contract import CONTRACT
from train.evaluate import Fold

MEASUREMENTS = "measurements"
WITH_RATIOS = "with ratios"
AXES = "axes"
_KINDS = [None] * len(CONTRACT.inputs) + [type(each) for each in CONTRACT.derived]  # of the table's columns
# Which features a rival sees: a name for people, and the columns of the table.
COLUMNS: dict[str, list[int]] = {
    MEASUREMENTS: [place for place, kind in enumerate(_KINDS) if kind is None],
    WITH_RATIOS: [place for place, kind in enumerate(_KINDS) if kind is not Projection],
    AXES: [place for place, kind in enumerate(_KINDS) if kind is Projection],
}

Settings = Mapping[str, Any]  # arguments of scikit-learn's or XGBoost's class, by name


@dataclass(frozen=True)
class Rival:
    """A kind of classifier. `make` returns an unfitted one of some settings.

    `settings` and `columns` are those of the report: sensible, and chosen without looking at these birds.
    """

    name: str
    make: Callable[..., Any]
    settings: Settings
    columns: str = MEASUREMENTS

    @property
    def words(self) -> str:
        """The settings and the features, for people."""
        return in_words(self.columns, self.settings)


def in_words(columns: str, settings: Settings) -> str:
    """Return features and settings for people: `measurements; C = 1`."""
    return "; ".join([columns, *(f"{name} = {value}" for name, value in settings.items())])


def answers(rival: Rival, fold: Fold, settings: Settings, columns: str) -> npt.NDArray[np.float32]:
    """Fit a rival with these settings to the seen birds, and return its probabilities of the unseen ones."""
    chosen = COLUMNS[columns]
    fitted = rival.make(**settings).fit(fold.table[:, chosen].astype(np.float64), fold.labels)
    found: npt.NDArray[np.float32] = fitted.predict_proba(fold.unseen_table[:, chosen].astype(np.float64))
    return found.astype(np.float32)


def _logistic(**settings: Any) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=10_000, tol=1e-6, **settings))


def _neighbours(**settings: Any) -> Any:
    return make_pipeline(StandardScaler(), KNeighborsClassifier(**settings))


def _support_vectors(**settings: Any) -> Any:
    # Its probabilities are Platt's: a sigmoid of the margins that five inner folds give.
    return make_pipeline(StandardScaler(), CalibratedClassifierCV(SVC(**settings), cv=5, ensemble=False))


def _bayes(**settings: Any) -> Any:
    return make_pipeline(StandardScaler(), GaussianNB(**settings))


def _boosted(**settings: Any) -> Any:
    return xgboost.XGBClassifier(n_jobs=1, **settings)


def _linear(**settings: Any) -> Any:
    return make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", **settings))


def _quadratic(**settings: Any) -> Any:
    return make_pipeline(StandardScaler(), QuadraticDiscriminantAnalysis(**settings))


RIVALS = (
    Rival("linear discriminant analysis", _linear, {}),
    Rival("quadratic discriminant analysis", _quadratic, {}),
    Rival("naive Bayes, Gaussian", _bayes, {}),
    Rival("logistic regression", _logistic, {"C": 1.0}),
    Rival("k nearest neighbours", _neighbours, {"n_neighbors": 15, "weights": "distance"}),
    Rival("support vector machine", _support_vectors, {"C": 1.0}),
    Rival("XGBoost's defaults", _boosted, {}),
)
