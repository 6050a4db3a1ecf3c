"""POST /predict: body bytes in, an answer out. Per request: one decode, one native call, one encode."""

import msgspec
import orjson

from app.answer import Answer
from app.faults import diagnose
from app.observed import Prediction
from app.operation import Handler, Receipt
from app.receipt import Step, receipts
from app.serving import Serving
from contract.measurements import Measurements
from contract.species import SPECIES, Species

# By the bits of a set, every combination of species. Lifetime: import.
SETS: list[list[Species]] = [
    [species for label, species in enumerate(SPECIES) if bits >> label & 1] for bits in range(1 << len(SPECIES))
]
SIZES = [len(species) for species in SETS]

_decode = msgspec.json.Decoder(Measurements).decode
_astuple = msgspec.structs.astuple
_dumps = orjson.dumps


def predictor(serving: Serving, decode: Step = _decode, dumps: Step = _dumps) -> Handler:
    """The handler of POST /predict. It never waits and never raises: a faulty body gives a 4xx answer."""

    def answer(body: bytes | bytearray) -> Answer:
        served = serving.served
        if served is None:
            return serving.unavailable
        try:
            measurements = decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            diagnosis = diagnose(body)
            if isinstance(diagnosis, Answer):
                return served.name(diagnosis)
            measurements = diagnosis
        row = _astuple(measurements)
        predict = served.predict
        label, probabilities, members, inside, distance = predict(row)
        species = SPECIES[label]
        document: dict[str, object] = (
            {
                "prediction": label,
                "species": species,
                "probabilities": probabilities,
                "prediction_set": SETS[members],
                "in_distribution": inside,
                "distance": distance,
            }
            if members
            else {"prediction": label, "species": species, "probabilities": probabilities}
        )
        offer = serving.offer
        if offer is not None:
            offer(row, label, probabilities)
        known = distance if members else -1.0
        seen = Prediction(row, label, probabilities[species], known, inside, SIZES[members], served.version)
        return Answer(200, served.headers, dumps(document), seen)

    return answer


def predictor_with_receipt(serving: Serving) -> Receipt:
    """The same, timed."""
    return receipts(lambda decode, dumps: predictor(serving, decode, dumps), _decode, _dumps)
