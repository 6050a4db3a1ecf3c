"""POST /predict: body bytes in, an answer out. Per request: one decode, one native call, one encode."""

import msgspec
import orjson

from app.answers.faults import diagnose
from app.core.answer import Answer
from app.core.operation import Handler, Receipt
from app.core.prediction_record import PredictionRecord
from app.core.receipt import Step, receipts
from app.model.serving import Serving
from contract.measurements import Measurements
from contract.species import SPECIES, Species

KEPT_SETS = 1024  # prediction sets in memory: with 31 species there are two thousand million


def species_of(members: int) -> list[Species]:
    """Return the species of a prediction set. Bit i of `members` is set if species number i is in it."""
    return [species for label, species in enumerate(SPECIES) if members >> label & 1]


class Sets(dict[int, list[Species]]):
    """A cache of prediction sets by their bits. Each is made on first use; at most KEPT_SETS are kept."""

    def __missing__(self, members: int) -> list[Species]:
        if len(self) >= KEPT_SETS:
            self.clear()
        return self.setdefault(members, species_of(members))


# Lifetime: process. If there are few sets, they are in a list: its look-up is faster than a dictionary's.
SETS = [species_of(members) for members in range(1 << len(SPECIES))] if 1 << len(SPECIES) <= KEPT_SETS else Sets()

_decode = msgspec.json.Decoder(Measurements).decode
_astuple = msgspec.structs.astuple
_dumps = orjson.dumps


def predictor(serving: Serving, decode: Step = _decode, dumps: Step = _dumps) -> Handler:
    """Return the handler of POST /predict. It never blocks and never raises: a faulty body gives a 4xx answer.

    `decode` makes Measurements from a body, `dumps` makes JSON from a dictionary.
    """

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
        label, probabilities, members, in_distribution, distance = predict(row)
        species = SPECIES[label]
        possible = SETS[members]
        document: dict[str, object] = (
            {
                "prediction": label,
                "species": species,
                "probabilities": probabilities,
                "prediction_set": possible,
                "in_distribution": in_distribution,
                "distance": distance,
            }
            if members
            else {"prediction": label, "species": species, "probabilities": probabilities}
        )
        offer = served.offer
        if offer is not None:
            offer(row, label, probabilities)
        recorded_distance = distance if members else -1.0  # no prediction set is empty: 0 means no reference data
        record = PredictionRecord(
            row, label, probabilities[species], recorded_distance, in_distribution, len(possible), served.version
        )
        return Answer(200, served.headers, dumps(document), record)

    return answer


def predictor_with_receipt(serving: Serving) -> Receipt:
    """Return a function that makes the handler of POST /predict with a receipt of its timing."""
    return receipts(lambda decode, dumps: predictor(serving, decode, dumps), _decode, _dumps)
