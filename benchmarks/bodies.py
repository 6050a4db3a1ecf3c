"""One JSON body to one JSON answer, as a plain service without validation would do it: the contenders' service."""

from collections.abc import Callable

import numpy as np
import orjson

from benchmarks.entry import Answers, Entry
from benchmarks.models import Rows, derive_rows
from contract.features import MEASUREMENT_NAMES
from contract.species import SPECIES

# A row of features to the label and the probabilities.
Predict = Callable[[Rows], tuple[int, list[float]]]


def body_of(row: Rows) -> bytes:
    """One bird, (1, measurements), as a client writes it: to a tenth of a millimetre or gram."""
    return orjson.dumps({name: round(value, 1) for name, value in zip(MEASUREMENT_NAMES, row[0].tolist(), strict=True)})


def read_answer(body: bytes) -> Answers:
    """The label and probabilities of an answer."""
    document = orjson.loads(body)
    values = [[document["probabilities"][species] for species in SPECIES]]
    labels = np.array([document["prediction"]], dtype=np.int32)
    return Answers(probabilities=np.array(values, dtype=np.float32), labels=labels)


def plain_service(predict: Predict) -> Entry:
    """orjson in, numpy float32, the contender, orjson out."""

    def answer(body: bytes) -> bytes:
        bird = orjson.loads(body)
        measurements = np.array([[bird[name] for name in MEASUREMENT_NAMES]], dtype=np.float32)
        label, values = predict(derive_rows(measurements))
        document = {
            "prediction": label,
            "species": SPECIES[label],
            "probabilities": dict(zip(SPECIES, values, strict=True)),
        }
        return orjson.dumps(document)

    return Entry(answer, take=body_of, read=read_answer)


def most_probable(ask: Callable[[Rows], Rows]) -> Predict:
    """From probabilities, of any shape: the label is the most probable class."""

    def predict(features: Rows) -> tuple[int, list[float]]:
        values = ask(features).reshape(-1)
        return int(values.argmax()), values.tolist()

    return predict
