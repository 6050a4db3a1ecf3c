"""The compiled library: one row is asked like the service does it, many rows are bytes.

Of two classes it answers both probabilities, and XGBoost the second one's.
"""

import numpy as np

from benchmarks.contenders.entry import Answers, Entry
from benchmarks.contenders.models import Model
from binding.library import Batch, Library, RowPrediction

NAME = "ours"


def prepare(model: Model, rows: int) -> Entry:
    """Prepare `Library.predict` for floats, or `Library.predict_rows` for bytes."""
    library = model.library
    if rows == 1:
        return Entry(library.predict, lambda row: tuple(row[0].tolist()), lambda found: _one(library, found))
    predict_rows = library.predict_rows
    return Entry(lambda data: predict_rows(data, 0, rows), np.ndarray.tobytes, lambda found: _many(library, found))


def _one(library: Library, found: RowPrediction) -> Answers:
    values, margins = (np.array([each], np.float32) for each in (list(found[1].values()), library.margins))
    return Answers(values[:, -library.outputs :], margins, np.array([found[0]], dtype=np.int32))


def _many(library: Library, found: Batch) -> Answers:
    rows = len(found.labels) // 4
    values, margins = (np.frombuffer(each, np.float32).reshape(rows, -1) for each in (found.values, found.margins))
    return Answers(values[:, -library.outputs :], margins, np.frombuffer(found.labels, dtype=np.int32))
