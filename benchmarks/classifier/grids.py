"""What is tried: parameters of the model, and settings of its rivals."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from train.evaluate import Fold
from train.model import fit
from train.rivals import AXES, MEASUREMENTS, RIVALS, WITH_RATIOS, Rival, Settings, answers, in_words

Answers = npt.NDArray[np.float32]  # probabilities (rows, classes)

ROUNDS = (100, 200, 400, 800)
# By eta, which of ROUNDS are tried. The trees of fewer rounds are the first ones of more, so one fit serves them all.
ETAS = {0.4: (100,), 0.2: (100, 200), 0.1: (100, 200, 400), 0.05: (200, 400, 800), 0.025: (800,)}
SUBSAMPLES = (0.3, 0.5)  # the share of the birds that each tree sees
COLUMNS = (0.5, 1.0)  # the share of the features that each split sees
REGULARISED = ((0.1, 0.0), (0.5, 0.3))  # pairs of reg_lambda and min_child_weight


class Parameters(NamedTuple):
    """Those parameters of the model that are chosen. The others are fixed, in train/model.py."""

    rounds: int
    eta: float
    subsample: float
    colsample_bynode: float
    reg_lambda: float
    min_child_weight: float

    @property
    def fitting(self) -> dict[str, float]:
        """All but the rounds, by XGBoost's names."""
        named = self._asdict()
        del named["rounds"]
        return named

    @property
    def words(self) -> str:
        """The parameters for people."""
        return "; ".join(f"{name} = {value:g}" for name, value in self.fitting.items())


def model_grid(fold: Fold) -> Iterator[tuple[Parameters, Answers]]:
    """Yield all parameters that are tried, with the answers of the model that is fitted with them."""
    for (eta, rounds), subsample, columns, (penalty, weight) in product(ETAS.items(), SUBSAMPLES, COLUMNS, REGULARISED):
        tried = Parameters(max(rounds), eta, subsample, columns, penalty, weight)
        booster = fit(fold.table, fold.labels, threads=1, rounds=tried.rounds, **tried.fitting)
        for count in rounds:
            yield tried._replace(rounds=count), booster.inplace_predict(fold.unseen_table, iteration_range=(0, count))


class Choice(NamedTuple):
    """A rival with settings that are tried."""

    rival: Rival
    settings: Settings
    columns: str

    @property
    def words(self) -> str:
        """Features and settings for people."""
        return in_words(self.columns, self.settings)

    def answers(self, fold: Fold) -> Answers:
        """Return the rival's probabilities of the unseen birds."""
        return answers(self.rival, fold, self.settings, self.columns)


def _each(**values: tuple[object, ...]) -> list[dict[str, object]]:
    """Return all combinations of values, each by its name."""
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


_TABLES, _BOTH = (MEASUREMENTS, WITH_RATIOS, AXES), (MEASUREMENTS, WITH_RATIOS)
_SUPPORT = _each(C=(1.0, 10.0, 100.0), gamma=(0.03, 0.1, 0.3)) + _each(C=(1.0, 10.0), kernel=("linear",))
_NEIGHBOURS = _each(n_neighbors=(5, 10, 15, 20, 30), weights=("uniform", "distance"))
_REGULARISED_QDA = _each(reg_param=(0.001, 0.01, 0.1))
# By rival: the features that it may see, and for each the settings that are tried.
_TRIED: Mapping[str, Mapping[str, list[dict[str, object]]]] = {
    "linear discriminant analysis": dict.fromkeys(_BOTH, _each(shrinkage=(None, 0.001, 0.01, 0.1))),
    "quadratic discriminant analysis": {
        MEASUREMENTS: [{}, *_REGULARISED_QDA],
        WITH_RATIOS: _REGULARISED_QDA,  # without it, the ratios depend too much on each other
        AXES: [{}, *_REGULARISED_QDA],
    },
    "naive Bayes, Gaussian": dict.fromkeys(_TABLES, _each(var_smoothing=(1e-9, 0.01, 0.1, 0.3, 1.0))),
    "logistic regression": dict.fromkeys(_BOTH, _each(C=(1.0, 3.0, 10.0, 30.0, 100.0))),
    "k nearest neighbours": dict.fromkeys(_TABLES, _NEIGHBOURS),
    "support vector machine": dict.fromkeys(_BOTH, _SUPPORT),
    "XGBoost's defaults": {MEASUREMENTS: [{}]},  # not tuned
}
# By rival, all that is tried, in order.
CHOICES = {
    rival.name: [Choice(rival, each, seen) for seen, settings in _TRIED[rival.name].items() for each in settings]
    for rival in RIVALS
}
