"""The compiled library: one row is asked like the service does it, many rows are bytes."""

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
    label, shares = found[:2]
    margins, probabilities = (np.array([values], np.float32) for values in (library.margins, list(shares.values())))
    return Answers(probabilities, margins, np.array([label], dtype=np.int32))


def _many(library: Library, found: Batch) -> Answers:
    margins, probabilities = (
        np.frombuffer(values, np.float32).reshape(-1, library.outputs)
        for values in (found.margins, found.probabilities)
    )
    return Answers(probabilities, margins, np.frombuffer(found.labels, dtype=np.int32))
