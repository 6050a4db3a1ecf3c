"""POST /predict: body bytes in, an answer out. Per request: one decode, one native call, one encode."""

from collections.abc import Callable

import msgspec
import orjson

from app.answer import JSON, Answer
from app.faults import diagnose
from app.library import Library
from contract.measurements import Measurements
from contract.species import SPECIES

_decode = msgspec.json.Decoder(Measurements).decode
_astuple = msgspec.structs.astuple
_dumps = orjson.dumps


def predictor(library: Library) -> Callable[[bytes], Answer]:
    """The handler of POST /predict. It never waits and never raises: a faulty body gives a 4xx answer."""
    predict = library.predict

    def answer(body: bytes) -> Answer:
        try:
            measurements = _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            diagnosis = diagnose(body)
            if isinstance(diagnosis, Answer):
                return diagnosis
            measurements = diagnosis
        label, probabilities = predict(_astuple(measurements))
        document = {
            "prediction": label,
            "species": SPECIES[label],
            "probabilities": dict(zip(SPECIES, probabilities, strict=True)),
        }
        return Answer(200, JSON, _dumps(document))

    return answer
