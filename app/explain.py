"""POST /explain: what would change an answer, and what made it.

It takes milliseconds, in a thread: others are answered meanwhile.
"""

import struct

import msgspec
from msgspec.structs import astuple

from app.answer import Answer, Problem, problem
from app.explainer import Explainer
from app.faults import diagnose
from app.flips import Flip, features, float32
from app.operation import Handler
from app.serving import Serving
from contract.features import FEATURE_NAMES, MEASUREMENT_NAMES
from contract.measurements import MEASUREMENTS, Measurement, Measurements
from contract.species import SPECIES, Species


class Change(msgspec.Struct, frozen=True):
    """The nearest float32 value for which the answer is another species; how far that is, in the measurement's unit."""

    value: float
    change: float
    species: Species


class Sensitivity(msgspec.Struct, frozen=True):
    """What one measurement alone can change. `below` and `above` are null where nothing within its bounds does.

    `survives`: the answer stays the same wherever within `measurement_error` of `value` the true one lies.
    """

    value: float
    measurement_error: float
    survives: bool
    below: Change | None
    above: Change | None


Sensitivities = msgspec.defstruct("Sensitivities", [(name, Sensitivity) for name in MEASUREMENT_NAMES], frozen=True)


class Contribution(msgspec.Struct, frozen=True):
    """What makes up a species' margin: the bias, of a bird of which nothing is known, and every feature's part."""

    margin: float
    bias: float
    features: dict[str, float]


class ExplanationAnswer(msgspec.Struct, frozen=True):
    """`survives_measurement_error`: the answer stays the same when all measurements are off by up to their errors, at
    once; null where that could be neither proved nor refuted in time.

    `contributions` are what XGBoost calls `pred_contribs`, in log-odds: for each species they sum to its margin, and
    the species with the largest margin is the answer.
    """

    prediction: int
    species: Species
    survives_measurement_error: bool | None
    measurements: Sensitivities  # type: ignore[valid-type]  # made from MEASUREMENTS, where they are written once
    contributions: dict[str, Contribution]


NOTHING_TO_EXPLAIN_WITH = problem(
    Problem("Not Implemented", 501, "this bundle holds no trees; compile the model again")
)

_decode = msgspec.json.Decoder(Measurements).decode


def explaining(serving: Serving) -> Handler:
    """The handler of POST /explain. It takes bodies as POST /predict does, and never raises. For one thread."""

    def answer(body: bytes | bytearray) -> Answer:
        served = serving.served
        if served is None:
            return serving.unavailable
        try:
            measurements = _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            diagnosis = diagnose(body)
            if isinstance(diagnosis, Answer):
                return served.name(diagnosis)
            measurements = diagnosis
        if served.explainer is None:
            return served.name(NOTHING_TO_EXPLAIN_WITH)
        return Answer(200, served.headers, msgspec.json.encode(explain(served.explainer, measurements)))

    return answer


def explain(explainer: Explainer, measurements: Measurements) -> ExplanationAnswer:
    """The whole answer for one bird."""
    given = astuple(measurements)
    row = tuple(map(float32, given))
    label = explainer.library.predict(row)[0]
    batch = explainer.library.predict_rows(struct.pack(f"={len(row)}f", *row), 0, 1)
    margins = struct.unpack(f"={len(SPECIES)}f", batch.margins)
    sensitivities = [
        _sensitivity(measurement, value, explainer.flips.of(row, place))
        for place, (measurement, value) in enumerate(zip(MEASUREMENTS, given, strict=True))
    ]
    errors = tuple(measurement.error for measurement in MEASUREMENTS)
    contributions = explainer.contributions.of(features(row))
    return ExplanationAnswer(
        prediction=label,
        species=SPECIES[label],
        survives_measurement_error=explainer.survival.of(row, errors),
        measurements=Sensitivities(*sensitivities),
        contributions={
            species: Contribution(margin, parts[-1], dict(zip(FEATURE_NAMES, parts[:-1], strict=True)))
            for species, margin, parts in zip(SPECIES, margins, contributions, strict=True)
        },
    )


def _sensitivity(measurement: Measurement, value: float, flips: tuple[Flip | None, Flip | None]) -> Sensitivity:
    below, above = (flip and Change(flip.value, flip.value - value, SPECIES[flip.label]) for flip in flips)
    survives = all(change is None or abs(change.change) > measurement.error for change in (below, above))
    return Sensitivity(value, measurement.error, survives, below, above)
