"""The compiled library: one row as the service asks it, many rows as bytes."""

import numpy as np

from app.library import ABI, Batch, Library, Prediction
from app.predict import predictor
from app.serving import Served, Serving
from benchmarks.bodies import body_of, read_answer
from benchmarks.entry import Answers, Entry
from benchmarks.models import Model

NAME = "ours"
VERSION = f"library ABI {ABI}"


def prepare(model: Model, rows: int) -> Entry:
    """`Library.predict` with a list of floats, or `Library.predict_rows` with bytes."""
    library = model.library
    if rows == 1:
        return Entry(library.predict, take=lambda row: tuple(row[0].tolist()), read=lambda found: _one(library, found))
    predict_rows = library.predict_rows
    return Entry(
        lambda data: predict_rows(data, 0, rows), take=np.ndarray.tobytes, read=lambda found: _many(library, found)
    )


def serve(model: Model) -> Entry:
    """The service's own handler of POST /predict, which also validates."""
    answer = predictor(Serving(Served(model.library, "")))
    return Entry(lambda body: answer(body).body, take=body_of, read=read_answer)


def _one(library: Library, found: Prediction) -> Answers:
    label, shares = found[:2]
    margins, probabilities = (
        np.array([values], dtype=np.float32) for values in (library.margins, list(shares.values()))
    )
    return Answers(probabilities, margins, np.array([label], dtype=np.int32))


def _many(library: Library, found: Batch) -> Answers:
    shape = (-1, library.outputs)
    return Answers(
        probabilities=np.frombuffer(found.probabilities, dtype=np.float32).reshape(shape),
        margins=np.frombuffer(found.margins, dtype=np.float32).reshape(shape),
        labels=np.frombuffer(found.labels, dtype=np.int32),
    )
