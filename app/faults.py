"""What is wrong with a body that did not decode: every faulty field, not only the first.

Runs only after the fast decoder has refused, so it may take its time.
"""

from typing import Any

import msgspec

from app.answer import Answer, FieldError, Problem, problem
from app.guesses import guess
from contract.measurements import MEASUREMENTS, Measurement, Measurements

KINDS = {  # by the first byte of a JSON value
    ord('"'): "a string",
    ord("n"): "null",
    ord("t"): "a boolean",
    ord("f"): "a boolean",
    ord("["): "an array",
    ord("{"): "an object",
}
SHOWN_CHARACTERS = 40  # of a client's value in an error

# Each field as the bytes of its value, decoded one at a time; absent ones are empty.
_Fields: type[Any] = msgspec.defstruct(
    "_Fields", [(measurement.name, msgspec.Raw, msgspec.Raw()) for measurement in MEASUREMENTS]
)
_decode_fields = msgspec.json.Decoder(_Fields).decode
_decode_number = msgspec.json.Decoder(float).decode


def diagnose(body: bytes | bytearray) -> Answer | Measurements:
    """A problem document for a faulty body, or the measurements where all fields that count are right.

    The second happens where a repeated field is wrong first and right last: the last one counts.
    """
    try:
        fields = _decode_fields(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return problem(_unprocessable([FieldError(_body_fault(body, error), "#")]))
    invalid, impossible, values = _sort_faults(fields)
    if invalid:
        return problem(_unprocessable(invalid + impossible))
    measurements = Measurements(*values)
    return problem(_impossible(measurements, impossible)) if impossible else measurements


def _impossible(measurements: Measurements, errors: list[FieldError]) -> Problem:
    """What no penguin has, with what may have been meant."""
    detail = "; ".join(error.detail for error in errors)
    found = guess(measurements)
    if found is None:
        return Problem("Bad Request", 400, detail, errors)
    return Problem("Bad Request", 400, f"{found.question} {detail}", errors, found.suggestion)


def _sort_faults(fields: Any) -> tuple[list[FieldError], list[FieldError], list[float]]:
    """What is no measurement at all, what no penguin has, and the values of all that are numbers."""
    invalid: list[FieldError] = []
    impossible: list[FieldError] = []
    values: list[float] = []
    for measurement in MEASUREMENTS:
        raw = bytes(getattr(fields, measurement.name))
        pointer = f"#/{measurement.name}"
        fault, value = _number(raw, measurement)
        if fault:
            invalid.append(FieldError(fault, pointer))
            continue
        values.append(value)
        if not measurement.minimum <= value <= measurement.maximum:
            impossible.append(FieldError(_out_of_bounds(raw, value, measurement), pointer))
    return invalid, impossible, values


def _number(raw: bytes, measurement: Measurement) -> tuple[str | None, float]:
    """What is wrong with a field, or None; and its value."""
    expected = f"{measurement.name}: expected a number of {measurement.unit}"
    if not raw:
        return f"{measurement.name} is missing: expected a number of {measurement.unit}", 0.0
    if raw[0] in KINDS:
        return f"{expected}, found {KINDS[raw[0]]}", 0.0
    try:
        value = _decode_number(raw)
    except msgspec.DecodeError:
        return f"{expected}, found {_shown(raw)}, which is too large or not a number", 0.0
    if value < 0:
        return f"{expected} above zero, found {_shown(raw)}", 0.0
    return None, value


def _out_of_bounds(raw: bytes, value: float, measurement: Measurement) -> str:
    below = value < measurement.minimum
    bound = f"less than {measurement.minimum:g}" if below else f"more than {measurement.maximum:g}"
    return f"{measurement.name} {_shown(raw)} is {bound} {measurement.unit}, which no penguin has"


def _shown(raw: bytes) -> str:
    text = raw.decode("ascii", "backslashreplace")
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def _body_fault(body: bytes | bytearray, error: Exception) -> str:
    example = "send a JSON object with " + ", ".join(measurement.name for measurement in MEASUREMENTS)
    if not body:
        return f"the body is empty: {example}"
    if isinstance(error, RecursionError):
        return f"the body is nested too deeply: {example}"
    if isinstance(error, UnicodeDecodeError):
        return f"the body is not UTF-8: {example}"
    if body.startswith(b"\xef\xbb\xbf"):
        return f"the body starts with a byte order mark, which JSON does not allow: {example} without it"
    return f"{error}: {example}"


def _unprocessable(errors: list[FieldError]) -> Problem:
    return Problem("Unprocessable Content", 422, "; ".join(error.detail for error in errors), errors)
