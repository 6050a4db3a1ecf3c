"""The errors of a body that did not decode: every faulty field, not only the first.

This code runs only after the fast decoder has refused a body, so it does not have to be fast.
"""

import re
from typing import Any

import msgspec

from app.answers.guesses import guess
from app.core.answer import Answer, FieldError, Problem, problem
from contract.measurements import MEASUREMENTS, Measurement, Measurements

KINDS = {  # by the first byte of a JSON value
    ord('"'): "a string",
    ord("n"): "null",
    ord("t"): "a boolean",
    ord("f"): "a boolean",
    ord("["): "an array",
    ord("{"): "an object",
}
# The first half of a surrogate pair without the second. The decoder's message for it varies, so ours replaces it.
_HALF_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})")
SHOWN_CHARACTERS = 40  # of a client's value in an error message

# Every field as the undecoded bytes of its value, so that each can be checked alone. An absent field is empty.
_Fields: type[Any] = msgspec.defstruct(
    "_Fields", [(measurement.name, msgspec.Raw, msgspec.Raw()) for measurement in MEASUREMENTS]
)
_decode_fields = msgspec.json.Decoder(_Fields).decode
_decode_number = msgspec.json.Decoder(float).decode


def diagnose(body: bytes | bytearray) -> Answer | Measurements:
    """Return an answer that lists the errors of a body, or its measurements if they are right after all.

    They are right if a field is repeated and only an earlier value is wrong: the last value wins.
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
    """Return the problem for measurements that no penguin has, with a suggestion if one mistake explains them."""
    detail = "; ".join(error.detail for error in errors)
    mistake = guess(measurements)
    if mistake is None:
        return Problem("Bad Request", 400, detail, errors)
    return Problem("Bad Request", 400, f"{mistake.question} {detail}", errors, mistake.suggestion)


def _sort_faults(fields: Any) -> tuple[list[FieldError], list[FieldError], list[float]]:
    """Return the errors of fields that are not numbers, the errors of numbers out of bounds, and all numbers."""
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
    """Return what is wrong with a field, or None, and its value. `raw` is the field's JSON, empty if it is absent."""
    number = f"a number of {measurement.unit}" if measurement.unit else "a number"
    expected = f"{measurement.name}: expected {number}"
    if not raw:
        return f"{measurement.name} is missing: expected {number}", 0.0
    if raw[0] in KINDS:
        return f"{expected}, found {KINDS[raw[0]]}", 0.0
    try:
        value = _decode_number(raw)
    except msgspec.DecodeError:
        return f"{expected}, found {_excerpt(raw)}, which is too large or not a number", 0.0
    if value < 0 <= measurement.minimum:
        return f"{expected} above zero, found {_excerpt(raw)}", 0.0
    return None, value


def _out_of_bounds(raw: bytes, value: float, measurement: Measurement) -> str:
    below = value < measurement.minimum
    bound = measurement.minimum if below else measurement.maximum
    comparison = f"{'less' if below else 'more'} than {measurement.in_unit(f'{bound:.15g}')}"
    return f"{measurement.name} {_excerpt(raw)} is {comparison}, which no penguin has"


def _excerpt(raw: bytes) -> str:
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
    return f"{what_is_wrong(error, body)}: {example}"


def what_is_wrong(error: Exception, body: bytes | bytearray | memoryview) -> str:
    """Return the decoder's message for a body, or a clearer one where we have it."""
    if half := _HALF_PAIR.search(body):
        return f"{half[0].decode()} is half of a surrogate pair, which is no character"
    return str(error)


def _unprocessable(errors: list[FieldError]) -> Problem:
    return Problem("Unprocessable Content", 422, "; ".join(error.detail for error in errors), errors)
