"""The rows that a library is asked before it is believed."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from compile.booster import Model
from contract.manifest import CONTRACT
from contract.measurements import MEASUREMENTS

Rows = npt.NDArray[np.float32]  # rows x columns

RANDOM_ROWS = 100_000
CONTEXTS = 4  # random rows around each probed value
MISSING_SHARE = 0.05  # of the values of random rows
TINY = np.float32(1e-45)  # the smallest denormal
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, TINY, -TINY, np.finfo(np.float32).max], dtype=np.float32)


def feature_probes(model: Model) -> Iterator[Rows]:
    """For each feature, rows with every threshold, both its float32 neighbours and every special value."""
    random = np.random.default_rng(0)
    for feature in range(len(model.interface.features)):
        thresholds = model.thresholds.get(feature, np.zeros(0, dtype=np.float32))
        with np.errstate(over="ignore"):
            up, down = np.nextafter(thresholds, np.float32(np.inf)), np.nextafter(thresholds, np.float32(-np.inf))
        values = np.repeat(np.concatenate([thresholds, up, down, SPECIAL]), CONTEXTS)
        block = random_features(model, len(values), random)
        block[:, feature] = values
        yield block


def random_features(model: Model, count: int, random: np.random.Generator) -> Rows:
    """Uniform rows over a little more than each feature's range of thresholds, one value in twenty missing."""
    rows = np.empty((count, len(model.interface.features)), dtype=np.float32)
    for feature in range(rows.shape[1]):
        thresholds = model.thresholds.get(feature, np.zeros(1, dtype=np.float32)).astype(np.float64)
        margin = max(np.ptp(thresholds) * 0.1, 1.0)
        rows[:, feature] = random.uniform(thresholds.min() - margin, thresholds.max() + margin, count)
    rows[random.random(rows.shape) < MISSING_SHARE] = np.nan
    return rows


def random_measurements(model: Model) -> Rows:
    """RANDOM_ROWS rows within the contract's bounds, or, for another model, within its thresholds' ranges."""
    random = np.random.default_rng(1)
    if model.interface != CONTRACT:
        return random_features(model, RANDOM_ROWS, random)
    low = [measurement.minimum for measurement in MEASUREMENTS]
    high = [measurement.maximum for measurement in MEASUREMENTS]
    return random.uniform(low, high, (RANDOM_ROWS, len(MEASUREMENTS))).astype(np.float32)


def special_measurements(model: Model) -> Rows:
    """Every special value in every place of a few random rows."""
    base = random_measurements(model)[:CONTEXTS]
    places = base.shape[1]
    rows = np.repeat(base, places * len(SPECIAL), axis=0)
    index = np.arange(len(rows))
    rows[index, index % places] = SPECIAL[index // places % len(SPECIAL)]
    return rows
