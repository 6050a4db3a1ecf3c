"""What a contender is: it prepares as long as it likes, then one call is timed."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import orjson

from benchmarks.contenders.models import Model, Rows, derive_rows
from contract.features import MEASUREMENT_NAMES
from contract.species import SPECIES


class Unsuitable(Exception):
    """The contender cannot take this model; the text says why."""


class Answers(NamedTuple):
    """What a contender answers: probabilities and margins (rows, outputs), labels (rows,); None if absent."""

    probabilities: Rows | None = None
    margins: Rows | None = None
    labels: npt.NDArray[np.int32] | None = None


class Entry(NamedTuple):
    """`take` makes the contender's natural input, before the clock; `call` is timed; `read` is for checking it."""

    call: Callable[[Any], Any]
    take: Callable[[Rows], Any]
    read: Callable[[Any], Answers]


class Contender(Protocol):
    """A module of this folder."""

    NAME: str  # in tables

    def prepare(self, model: Model, rows: int | None, /) -> Entry:
        """Return the entry for calls with so many rows, or for JSON bodies if None. Raises Unsuitable."""
        ...


def by_probabilities(model: Model, rows: int | None, ask: Callable[[Rows], Rows]) -> Entry:
    """Return the entry of a contender that answers rows of features with probabilities, of any shape."""
    if rows is None:
        return plain_service(lambda features: most_probable(ask(features)))
    features = model.features
    return Entry(lambda inputs: ask(features(inputs)), lambda inputs: inputs, read_probabilities)


def read_probabilities(found: Any) -> Answers:
    """Read an array of probabilities of any shape; if there are two classes it has the second."""
    array = np.asarray(found, dtype=np.float32)
    return Answers(probabilities=array.reshape(len(array), -1))


def most_probable(probabilities: Rows) -> tuple[int, list[float]]:
    """Return the label of the most probable class, and the probabilities."""
    values = probabilities.reshape(-1)
    return int(values.argmax()), values.tolist()


def plain_service(predict: Callable[[Rows], tuple[int, list[float]]]) -> Entry:
    """Return a service without validation: orjson decodes, numpy makes a row, the contender answers, orjson encodes."""

    def answer(body: bytes) -> bytes:
        bird = orjson.loads(body)
        measurements = np.array([[bird[name] for name in MEASUREMENT_NAMES]], dtype=np.float32)
        label, values = predict(derive_rows(measurements))
        probabilities = dict(zip(SPECIES, values, strict=True))
        return orjson.dumps({"prediction": label, "species": SPECIES[label], "probabilities": probabilities})

    return Entry(answer, body_of, read_answer)


def body_of(row: Rows) -> bytes:
    """Return the body for one bird, (1, measurements), rounded to a tenth of a millimetre or gram."""
    return orjson.dumps({name: round(value, 1) for name, value in zip(MEASUREMENT_NAMES, row[0].tolist(), strict=True)})


def read_answer(body: bytes) -> Answers:
    """Read the label and the probabilities of an answer."""
    document = orjson.loads(body)
    values = [[document["probabilities"][species] for species in SPECIES]]
    labels = np.array([document["prediction"]], dtype=np.int32)
    return Answers(probabilities=np.array(values, dtype=np.float32), labels=labels)
