"""POST /explain: which changes of a measurement change the answer, and how much each feature contributed to it.

An explanation takes milliseconds, so it runs in a thread while the event loop answers other requests.
"""

import struct
from math import isnan

import msgspec
from msgspec.structs import astuple

from app.answers.faults import diagnose
from app.core.answer import Answer, Problem, problem
from app.core.operation import Handler
from app.explanation.explainer import Explainer
from app.explanation.flips import Flip, features, float32
from app.model.serving import Serving
from contract.features import FEATURE_NAMES, MEASUREMENT_NAMES
from contract.measurements import MEASUREMENTS, Measurement, Measurements
from contract.species import SPECIES, Species


class Change(msgspec.Struct, frozen=True):
    """The nearest float32 value of a measurement for which the answer is another species.

    `change` is the difference to the measured value, in the measurement's unit. `species` is the new answer.
    """

    value: float
    change: float
    species: Species


class Sensitivity(msgspec.Struct, frozen=True):
    """How the answer depends on one measurement, if the others stay the same.

    `below` and `above` are the nearest changes of the answer on either side; null means that no value within the
    measurement's bounds changes it. `survives` says whether the answer stays the same for all values within
    `measurement_error` of `value`.
    """

    value: float
    measurement_error: float
    survives: bool
    below: Change | None
    above: Change | None


Sensitivities = msgspec.defstruct("Sensitivities", [(name, Sensitivity) for name in MEASUREMENT_NAMES], frozen=True)


class Contribution(msgspec.Struct, frozen=True):
    """The parts of a species' margin, in log-odds: `bias` plus the sum of `features` equals `margin`.

    `bias` is the margin of a bird about which nothing is known.
    """

    margin: float
    bias: float
    features: dict[str, float]


class ExplanationAnswer(msgspec.Struct, frozen=True):
    """The explanation of one prediction.

    `survives_measurement_error` says whether the answer stays the same if all measurements are off by up to their
    errors at once. It is null if the search ended without a proof or a counterexample.

    `contributions` are what XGBoost calls `pred_contribs`, in log-odds. For each species they sum to its margin; the
    species with the largest margin is the answer. They are null if a derived feature is 0/0.
    """

    prediction: int
    species: Species
    survives_measurement_error: bool | None
    measurements: Sensitivities  # type: ignore[valid-type]  # made from MEASUREMENTS, where they are written once
    contributions: dict[str, Contribution] | None


NOTHING_TO_EXPLAIN_WITH = problem(
    Problem("Not Implemented", 501, "this bundle holds no trees; compile the model again")
)

_decode = msgspec.json.Decoder(Measurements).decode


def explaining(serving: Serving) -> Handler:
    """Return the handler of POST /explain. It accepts the same bodies as POST /predict and never raises.

    It may run on any thread, but not on two threads at the same time.
    """

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
    """Return the complete explanation for one bird."""
    measured = astuple(measurements)
    row = tuple(map(float32, measured))
    label = explainer.library.predict(row)[0]
    batch = explainer.library.predict_rows(struct.pack(f"={len(row)}f", *row), 0, 1)
    margins = struct.unpack(f"={len(SPECIES)}f", batch.margins)
    sensitivities = [
        _sensitivity(measurement, value, explainer.flips.of(row, place))
        for place, (measurement, value) in enumerate(zip(MEASUREMENTS, measured, strict=True))
    ]
    errors = tuple(measurement.error for measurement in MEASUREMENTS)
    return ExplanationAnswer(
        prediction=label,
        species=SPECIES[label],
        survives_measurement_error=explainer.survival.of(row, errors),
        measurements=Sensitivities(*sensitivities),
        contributions=_contributions(explainer, features(row), margins),
    )


def _contributions(
    explainer: Explainer, feature_values: list[float], margins: tuple[float, ...]
) -> dict[str, Contribution] | None:
    if any(map(isnan, feature_values)):
        return None  # trees.json does not say where a missing value goes
    return {
        species: Contribution(margin, parts[-1], dict(zip(FEATURE_NAMES, parts[:-1], strict=True)))
        for species, margin, parts in zip(SPECIES, margins, explainer.contributions.of(feature_values), strict=True)
    }


def _sensitivity(measurement: Measurement, value: float, flips: tuple[Flip | None, Flip | None]) -> Sensitivity:
    below, above = (flip and Change(flip.value, flip.value - value, SPECIES[flip.label]) for flip in flips)
    survives = all(change is None or abs(change.change) > measurement.error for change in (below, above))
    return Sensitivity(value, measurement.error, survives, below, above)
