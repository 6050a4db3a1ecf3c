"""The data that the matrix's models grow on, and the rows that they are asked: the same for every XGBoost."""

from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]  # rows x COLUMNS
Labels = npt.NDArray[Any]

ROWS, COLUMNS = 240, 6
ASKED = 48
MISSING = 0.15  # of the values, where the kind of feature says so
CATEGORICAL = {"one-hot", "partitions"}  # kinds of feature
CATEGORIES = {0: 8, 3: 3}  # of the columns that are categorical, how many there are
KINDS_OF_COLUMN = ["c" if column in CATEGORIES else "q" for column in range(COLUMNS)]  # XGBoost's feature_types
NAMES = ["length", "width", "height of the bill", "größe", "e", "f"]
NAMED_KINDS = ["float", "int", "i", "q", "float", "q"]
EFFECTS = np.array([3, -2, 1, -4, 5, 0, -1, 2])  # of the categories of the first column
QUERY = 24  # rows of one query, for rankings
PARTS = {  # of a task's labels, as numbers of classes
    "binary": (0,),
    "classes": (-1.5, 0, 1.5),
    "relevance": (-2, 0, 2),
    "relevant": (0,),
}


def table(features: str) -> tuple[Rows, Labels]:
    """Return the rows to train on, and the signal that labels are made of."""
    random = np.random.RandomState(0)
    rows = random.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    if features in CATEGORICAL:
        for column, count in CATEGORIES.items():
            rows[:, column] = random.randint(0, count, size=ROWS)
        signal = EFFECTS[rows[:, 0].astype(int)] + np.array([1.5, -2, 0])[rows[:, 3].astype(int)] + rows[:, 1]
    else:
        signal = rows.sum(axis=1)
    signal = signal + 0.3 * random.normal(size=ROWS)
    return _with_gaps(rows, features, random), signal.astype(np.float32)


def questions(features: str) -> Rows:
    """Return the rows that a finished model is asked; the first ones are missing altogether, zero and large."""
    random = np.random.RandomState(7)
    rows = random.normal(size=(ASKED, COLUMNS)).astype(np.float32)
    if features in CATEGORICAL:
        for column, count in CATEGORIES.items():
            rows[:, column] = random.randint(0, count, size=ASKED)
    rows = _with_gaps(rows, "missing", random)
    if features not in CATEGORICAL:
        rows[:4] = np.array([[np.nan], [0], [1e30], [-1e30]], dtype=np.float32)
    return rows


def _with_gaps(rows: Rows, features: str, random: Any) -> Rows:
    if features == "missing" or features in CATEGORICAL:
        rows[random.uniform(size=rows.shape) < MISSING] = np.nan
    return rows


def labels(task: str, signal: Labels) -> Labels:
    """Return the labels that a task is about, made of the signal."""
    if task in PARTS:
        return np.digitize(signal, PARTS[task]).astype(np.float32)
    if task == "targets":
        return np.column_stack([signal, -signal / 2, signal**2]).astype(np.float32)
    if task == "tags":
        return np.column_stack([signal > 0, signal > 1, signal < 0.5]).astype(np.float32)
    growth = np.exp(np.clip(signal, -4, 4) / 2).astype(np.float32)
    made = {
        "real": signal,
        "positive": growth,
        "lifetime": growth,
        "count": np.floor(growth),
        "share": growth / (1 + growth),
        "hazard": np.where(np.arange(len(signal)) % 3, growth, -growth),  # negative: still alive
    }
    return np.asarray(made[task], dtype=np.float32)
