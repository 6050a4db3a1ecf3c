"""The rows that the parity check asks, in blocks of at most CELLS values, and their features, derived with numpy."""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from compile.reading.booster import CompilableModel
from contract.schema import Contract, Input

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
        for start, rows in _blocks(count, len(model.contract.features)):
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


def random_features(
    model: CompilableModel, count: int, random: np.random.Generator, missing: float = MISSING_SHARE
) -> Rows:
    """Return uniform rows over a little more than each feature's range of thresholds. 5% of values are missing."""
    rows = random.uniform(-1.0, 1.0, (count, len(model.contract.features))).astype(np.float32)
    for feature, thresholds in model.thresholds.items():
        least, most = float(thresholds[0]), float(thresholds[-1])
        margin = max((most - least) * 0.1, 1.0)
        with np.errstate(over="ignore"):
            rows[:, feature] = random.uniform(least - margin, most + margin, count)
    if missing:
        rows[random.random(rows.shape) < missing] = np.nan
    return rows


def random_inputs(model: CompilableModel) -> Iterator[Rows]:
    """Yield random rows that clients may send: within bounds, and around thresholds where there are no bounds."""
    random = np.random.default_rng(1)
    columns = len(model.contract.inputs)
    for _, rows in _blocks(min(RANDOM_ROWS, RANDOM_CELLS // columns), columns):
        yield _random_inputs(model, rows, random)


def _random_inputs(model: CompilableModel, count: int, random: np.random.Generator) -> Rows:
    inputs = model.contract.inputs
    rows = random_features(model, count, random, missing=0)[:, : len(inputs)].copy()
    for column, each in enumerate(inputs):
        if each.kind in ("boolean", "category"):
            rows[:, column] = random.integers(0, int(each.bounds[1]) + 1, count)
        else:
            _keep_within_bounds(rows[:, column], each, random)
        if each.missing:
            rows[random.random(count) < MISSING_SHARE, column] = np.nan
    if model.missing is not None:
        rows[random.random(rows.shape) < MISSING_SHARE] = model.missing
    return rows


def _keep_within_bounds(column: Rows, each: Input, random: np.random.Generator) -> None:
    """Change a column so that its values are within the input's bounds, and whole if they have to be."""
    low, high = each.bounds
    if math.isfinite(low) and math.isfinite(high):
        column[:] = random.uniform(low, high, len(column))
    elif each.minimum is not None or each.maximum is not None:
        np.clip(column, low, high, out=column)
    if each.kind == "integer":
        np.floor(column, out=column)


def special_inputs(model: CompilableModel) -> Iterator[Rows]:
    """Yield random rows that contain every special value in every column, one in each STRIDE of columns."""
    special = SPECIAL if model.missing is None else np.append(SPECIAL, np.float32(model.missing))
    columns = len(model.contract.inputs)
    random = np.random.default_rng(4)
    place = np.arange(columns)
    for start, rows in _blocks(CONTEXTS * STRIDE * len(special), columns):
        block = _random_inputs(model, rows, random)
        number = np.arange(start, start + rows)[:, None]
        chosen = (number - place) % STRIDE == 0
        values = special[(number // STRIDE + place // STRIDE) % len(special)]
        block[chosen] = values[chosen]
        yield block


def derive_rows(contract: Contract, inputs: Rows, missing: float | None = None) -> Rows:
    """Return the features of rows of inputs, in float32 as the C computes them.

    NaN is missing, and `missing` too.
    """
    present = present_rows(inputs, missing)
    if not contract.derived:
        return present
    with np.errstate(all="ignore"):
        return np.column_stack(contract.derive(dict(zip(contract.input_names, present.T, strict=True))))


def present_rows(inputs: Rows, missing: float | None) -> Rows:
    """Return the rows with NaN in place of the value that means missing."""
    if missing is None:
        return inputs
    return np.where(inputs == np.float32(missing), np.float32(np.nan), inputs)
