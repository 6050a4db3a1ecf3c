"""The rows that the parity check asks, in blocks of at most CELLS values, and their features, derived with numpy."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from compile.reading.booster import CompilableModel
from contract.features import derive
from contract.manifest import CONTRACT, Interface
from contract.measurements import MEASUREMENTS

Rows = npt.NDArray[np.float32]  # rows x columns

RANDOM_ROWS = 100_000
RANDOM_CELLS = 20_000_000  # values in all random rows: a model of more than 200 features gets fewer rows
CELLS = 2_000_000  # values in one block
CONTEXTS = 16  # rows around each probed value; they differ in all other values
MISSING_SHARE = 0.05  # the share of missing values in random rows
STRIDE = 8  # columns, one of which holds a special value
TINY = np.float32(1e-45)  # the smallest denormal
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, TINY, -TINY, np.finfo(np.float32).max], dtype=np.float32)


def feature_probes(model: CompilableModel) -> Iterator[Rows]:
    """Yield rows of features with every threshold, both its float32 neighbours and every special value.

    Each column that trees split on cycles through its own values, in CONTEXTS different orders, so that a row probes
    all its columns at once.
    """
    random = np.random.default_rng(0)
    probed = {feature: _probed_values(thresholds) for feature, thresholds in model.thresholds.items()}
    count = max(map(len, probed.values()), default=len(SPECIAL))
    for _ in range(CONTEXTS):
        orders = {feature: np.resize(random.permutation(values), count) for feature, values in probed.items()}
        for start, rows in _blocks(count, len(model.interface.features)):
            block = random_features(model, rows, random)
            for feature, values in orders.items():
                block[:, feature] = values[start : start + rows]
            yield block


def _probed_values(thresholds: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        up, down = np.nextafter(thresholds, np.float32(np.inf)), np.nextafter(thresholds, np.float32(-np.inf))
    return np.concatenate([thresholds, up, down, SPECIAL])


def _blocks(rows: int, columns: int) -> Iterator[tuple[int, int]]:
    """Yield the first row of each block, and how many rows the block has."""
    most = max(1, CELLS // columns)
    for start in range(0, rows, most):
        yield start, min(most, rows - start)


def random_features(model: CompilableModel, count: int, random: np.random.Generator) -> Rows:
    """Return uniform rows over a little more than each feature's range of thresholds. 5% of values are missing."""
    rows = random.uniform(-1.0, 1.0, (count, len(model.interface.features))).astype(np.float32)
    for feature, thresholds in model.thresholds.items():
        least, most = float(thresholds[0]), float(thresholds[-1])
        margin = max((most - least) * 0.1, 1.0)
        with np.errstate(over="ignore"):
            rows[:, feature] = random.uniform(least - margin, most + margin, count)
    rows[random.random(rows.shape) < MISSING_SHARE] = np.nan
    return rows


def random_measurements(model: CompilableModel) -> Iterator[Rows]:
    """Yield random rows within the contract's bounds, or, for another model, within its thresholds' ranges."""
    random = np.random.default_rng(1)
    columns = len(model.interface.measurements)
    for _, rows in _blocks(min(RANDOM_ROWS, RANDOM_CELLS // columns), columns):
        yield _random_measurements(model, rows, random)


def _random_measurements(model: CompilableModel, count: int, random: np.random.Generator) -> Rows:
    if model.interface != CONTRACT:
        rows = random_features(model, count, random)
    else:
        low = [measurement.minimum for measurement in MEASUREMENTS]
        high = [measurement.maximum for measurement in MEASUREMENTS]
        rows = random.uniform(low, high, (count, len(MEASUREMENTS))).astype(np.float32)
    if model.missing is not None:
        rows[random.random(rows.shape) < MISSING_SHARE] = model.missing
    return rows


def special_measurements(model: CompilableModel) -> Iterator[Rows]:
    """Yield random rows that contain every special value in every column, one in each STRIDE of columns."""
    special = SPECIAL if model.missing is None else np.append(SPECIAL, np.float32(model.missing))
    columns = len(model.interface.measurements)
    random = np.random.default_rng(4)
    place = np.arange(columns)
    for start, rows in _blocks(CONTEXTS * STRIDE * len(special), columns):
        block = _random_measurements(model, rows, random)
        number = np.arange(start, start + rows)[:, None]
        chosen = (number - place) % STRIDE == 0
        values = special[(number // STRIDE + place // STRIDE) % len(special)]
        block[chosen] = values[chosen]
        yield block


def derive_rows(interface: Interface, measurements: Rows, missing: float | None = None) -> Rows:
    """Return the features of rows of measurements, in float32 as the C computes them.

    NaN is missing, and `missing` too.
    """
    present = present_rows(measurements, missing)
    if interface != CONTRACT:
        return present
    with np.errstate(all="ignore"):
        return np.column_stack(derive(dict(zip(interface.measurements, present.T, strict=True))))


def present_rows(measurements: Rows, missing: float | None) -> Rows:
    """Return the rows with NaN in place of the value that means missing."""
    if missing is None:
        return measurements
    return np.where(measurements == np.float32(missing), np.float32(np.nan), measurements)
