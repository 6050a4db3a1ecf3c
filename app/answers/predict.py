"""POST /predict for one loaded bundle: body bytes in, an answer out. One decode, one native call, one encode.

There is one function for each kind of answer. Each is made once for a bundle; all names in it are bound then.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import orjson

from app.answers.parts import Parts
from app.core.answer import Answer
from app.core.operation import Handler
from app.core.prediction_record import PredictionRecord
from app.core.receipt import Step
from score.inputs import FAULTY

SET_FIELDS, DISTANCE_FIELDS = ("prediction_set",), ("in_distribution", "distance")
_astuple = msgspec.structs.astuple
_dumps = orjson.dumps


def predictor(parts: Parts, decode: Step | None = None, dumps: Step = _dumps) -> Handler:
    """Return the function that answers a body. It never blocks and never raises: a faulty body gives a 4xx answer.

    `decode` makes the struct of the inputs from a body, `dumps` makes JSON from a dictionary.
    """
    make = _KINDS[parts.contract.output.kind]
    return make(parts, decode or parts.inputs.decode, dumps)


def _classes(parts: Parts, decode: Step, dumps: Step) -> Handler:
    """Answer with the most probable class, the probabilities, and what the answer is judged by."""
    diagnose, predict, headers, version = parts.diagnose, parts.library.predict, parts.headers, parts.version
    classes, label_field, offers, judged = parts.classes, parts.contract.output.label, parts.offers, parts.judged
    with_sets, with_distance = judged.sets, judged.distance
    unjudged = [*([] if with_sets else SET_FIELDS), *([] if with_distance else DISTANCE_FIELDS)]

    def answer(body: bytes | bytearray) -> Answer:
        try:
            row = _astuple(decode(body))
        except FAULTY:
            diagnosis = diagnose(body)
            if isinstance(diagnosis, Answer):
                return diagnosis
            row = diagnosis
        label, probabilities, members, in_distribution, distance = predict(row)
        name = classes[label]
        document: dict[str, Any] = {
            "prediction": label,
            label_field: name,
            "probabilities": probabilities,
            "prediction_set": members,
            "in_distribution": in_distribution,
            "distance": distance,
        }
        for unknown in unjudged:
            del document[unknown]
        offer = offers.row
        if offer is not None:
            offer(row, label, probabilities)
        record = PredictionRecord(
            row,
            label,
            probabilities[name],
            distance if with_distance else -1.0,
            in_distribution,
            len(members) if with_sets else 0,
            version,
        )
        return Answer(200, headers, dumps(document), record)

    return answer


def _others(parts: Parts, decode: Step, dumps: Step) -> Handler:
    """Answer with a class without probabilities, with a number, or with several."""
    diagnose, predict, headers, version = parts.diagnose, parts.library.predict, parts.headers, parts.version
    offers, judged, describe = parts.offers, parts.judged, _describer(parts)

    def answer(body: bytes | bytearray) -> Answer:
        try:
            row = _astuple(decode(body))
        except FAULTY:
            diagnosis = diagnose(body)
            if isinstance(diagnosis, Answer):
                return diagnosis
            row = diagnosis
        label, values, _, in_distribution, distance = predict(row)
        document = describe(label, values)
        if judged.distance:
            document["in_distribution"] = in_distribution
            document["distance"] = distance
        if offers.row is not None:
            offers.row(row, label, values)
        value = next(iter(values.values()))
        record = PredictionRecord(row, label, value, distance if judged.distance else -1.0, in_distribution, 0, version)
        return Answer(200, headers, dumps(document), record)

    return answer


def _describer(parts: Parts) -> Callable[[int, dict[str, float]], dict[str, Any]]:
    """Return the function that makes the document of an answer from the label and the values."""
    output, widths = parts.contract.output, parts.judged.half_widths

    def label_only(label: int, _: dict[str, float]) -> dict[str, Any]:
        return {"prediction": label, output.label: output.classes[label]}

    def number(_: int, values: dict[str, float]) -> dict[str, Any]:
        (value,) = values.values()
        if not widths:
            return {"prediction": value}
        (width,) = widths.values()
        return {"prediction": value, "interval": [value - width, value + width]}

    def numbers(_: int, values: dict[str, float]) -> dict[str, Any]:
        if not widths:
            return {"prediction": values}
        intervals = {name: [values[name] - width, values[name] + width] for name, width in widths.items()}
        return {"prediction": values, "interval": intervals}

    return {"label": label_only, "number": number, "numbers": numbers}[output.kind]


_KINDS = {"classes": _classes, "label": _others, "number": _others, "numbers": _others}
