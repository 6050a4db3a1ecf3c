"""POST /explain for one loaded bundle: which changes of an input change the answer, and what each feature contributed.

An explanation takes milliseconds, so it runs in a thread while the event loop answers other requests.
"""

import struct
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from app.answers.interacting import interaction_document
from app.answers.p_values import p_value_fields
from app.answers.parts import Parts
from app.core.answer import Answer, Problem, problem, with_header
from app.explanation.explainer import Explainer
from app.explanation.flips import Flip
from app.explanation.paths import TooMuchWork
from app.explanation.scales import exact, float32
from contract.schema import Input
from score.inputs import FAULTY, Row

NOTHING_TO_EXPLAIN_WITH = problem(
    Problem("Not Implemented", 501, "this bundle holds no trees; compile the model again")
)


class Explain(Protocol):
    """The function that explains the answer to a body; with `interactions`, also how features act together."""

    def __call__(self, body: bytes | bytearray, *, interactions: bool = False) -> Answer:
        """Return the explanation, or a problem document."""


def explaining(parts: Parts, trees: bytes | None) -> Explain:
    """Return the function that explains the answer to a body. It accepts the same bodies as POST /predict.

    It never raises. It may run on any thread, but not on two threads at the same time. `trees` is the content of
    trees.json, or None if the bundle has no such file.
    """
    unexplained = with_header(NOTHING_TO_EXPLAIN_WITH, (b"model-version", parts.version.encode()))
    explainer = None if trees is None else Explainer(parts.library, parts.contract, trees)

    def answer(body: bytes | bytearray, *, interactions: bool = False) -> Answer:
        try:
            row = parts.inputs.row(body)
        except FAULTY:
            diagnosis = parts.diagnose(body)
            if isinstance(diagnosis, Answer):
                return diagnosis
            row = diagnosis
        if explainer is None:
            return unexplained
        try:
            document = explain(parts, explainer, row, interactions=interactions)
        except TooMuchWork as error:
            return with_header(too_large(error), (b"model-version", parts.version.encode()))
        return Answer(200, parts.headers, msgspec.json.encode(document))

    return answer


def explain(parts: Parts, explainer: Explainer, measured: Row, *, interactions: bool = False) -> dict[str, Any]:
    """Return the document of an explanation. docs/api.md and the schema in app/docs say what each field is.

    Raises TooMuchWork if the model is too large for it, or for the `interactions` that are wanted.
    """
    contract, together = parts.contract, explainer.interactions if interactions else None
    numbers = parts.inputs.numbers(measured)
    row = tuple([float32(number) for number in numbers])
    label, values = explainer.library.predict(row)[:2]
    document: dict[str, Any] = {"prediction": _prediction(parts, label, values)}
    if contract.output.classed:
        document[contract.output.label] = contract.output.classes[label]
        document["survives_measurement_error"] = explainer.survival.of(row)
    document["measurements"] = {
        each.name: _sensitivity(parts, each, measured[place], numbers[place], explainer.flips.of(row, place))
        for place, each in enumerate(contract.inputs)
    }
    contributions = document["contributions"] = _contributions(parts, explainer, row)
    if parts.p_values:
        document |= p_value_fields(parts.p_values, values)
    if together is not None:
        features = [feature.value(row) for feature in explainer.features]
        document["interactions"] = interaction_document(together, features, contract.features, contributions)
    return document


def too_large(error: TooMuchWork) -> Answer:
    """Return the answer for a model whose explanation nobody could wait for."""
    detail = f"this model is too large for {error.wanted} ({error}); {error.instead}"
    return problem(Problem("Unprocessable Content", 422, detail))


def _prediction(parts: Parts, label: int, values: dict[str, float]) -> Any:
    kind = parts.contract.output.kind
    return values if kind == "numbers" else next(iter(values.values())) if kind == "number" else label


def _contributions(parts: Parts, explainer: Explainer, row: Sequence[float]) -> dict[str, Any] | None:
    """Return the parts of each margin. None if a feature is missing and the bundle does not say where it goes."""
    features = [feature.value(row) for feature in explainer.features]
    if any(value != value for value in features) and not explainer.knows_missing:
        return None
    batch = parts.library.predict_rows(struct.pack(f"={len(row)}f", *map(exact, row)), 0, 1)
    margins = struct.unpack(f"={parts.library.outputs}f", batch.margins)
    names = parts.contract.features
    return {
        output: {"margin": margin, "bias": found[-1], "features": dict(zip(names, found[:-1], strict=True))}
        for output, margin, found in zip(parts.margins, margins, explainer.contributions.of(features), strict=True)
    }


def _sensitivity(
    parts: Parts, each: Input, measured: Any, number: float, flips: tuple[Flip[Any] | None, Flip[Any] | None]
) -> dict[str, Any]:
    """Return how the answer depends on one input, if the others stay as they are."""
    below, above = (flip and _change(parts, each, number, flip) for flip in flips)
    survives = all(flip is None or abs(flip.value - number) > each.error for flip in flips)
    return {
        "value": measured,
        "measurement_error": each.error,
        "survives": survives,
        "below": below,
        "above": above,
    }


def _change(parts: Parts, each: Input, number: float, flip: Flip[Any]) -> dict[str, Any]:
    """Return the nearest value of an input for which the answer is another one, and that answer."""
    output, (low, high) = parts.contract.output, each.bounds
    value: Any = min(max(flip.value, low), high)  # a bound may have no float32 of its own: the nearest is beyond it
    if each.kind == "category":
        value = each.categories[int(flip.value)]
    elif each.kind == "boolean":
        value = bool(flip.value)
    document = {"value": value, "change": flip.value - number if each.kind in ("number", "integer") else None}
    if output.classed:
        document[output.label] = output.classes[flip.answer]
    else:
        document["prediction"] = _prediction(parts, 0, dict(zip(output.values, flip.answer, strict=True)))
    return document
