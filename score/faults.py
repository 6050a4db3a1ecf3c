"""The errors of a row: every faulty field, not only the first.

This code runs only after a row has been refused, so it does not have to be fast. Its words are those of POST /predict
and of every other way in.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from contract.schema import Input, listed
from score.guesses import guess
from score.inputs import FAULTY, Inputs, Row, decode_fields, squashed

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
MAX_ERRORS = 64  # that are listed; a wide model may have thousands of inputs

MAX_CATEGORY_BYTES = 100  # of a text that is compared with the categories
MAX_CATEGORIES = 1_000  # that a text is compared with

Buffer = bytes | msgspec.Raw  # the JSON of one value
_decode_number = msgspec.json.Decoder(float).decode
_decode_text = msgspec.json.Decoder(str).decode


class FieldError(msgspec.Struct, frozen=True):
    """One error in a request. `pointer` is a JSON pointer to the faulty field in the body; `#` means the whole body."""

    detail: str
    pointer: str


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a row. `detail` has all errors in words, and a question if one mistake explains them.

    `impossible` is true if every value is of the right kind, and some are out of bounds. `suggestion` is then the row
    that was probably meant, or None.
    """

    impossible: bool
    detail: str
    errors: list[FieldError]
    suggestion: dict[str, Any] | None = None


class Diagnosis:
    """Finds the errors in rows for one contract."""

    def __init__(self, inputs: Inputs) -> None:
        self._contract = inputs.contract
        self._strict = inputs.strict
        self._decoders = [msgspec.json.Decoder(kind).decode for kind in inputs.kinds]

    def of(self, body: bytes | bytearray) -> Fault | Row:
        """Return what is wrong with a body, or its row if it is right after all.

        It is right if a field is repeated and only an earlier value is wrong: the last value wins.
        """
        try:
            fields = decode_fields(body)
        except FAULTY as error:
            return _invalid([FieldError(self._body_fault(body, error), "#")])
        return self.of_fields(fields)

    def of_fields(self, fields: Mapping[str, Buffer]) -> Fault | Row:
        """Return what is wrong with a row, or the row. Each field is its value as JSON."""
        invalid, impossible, values = self._sort_faults(fields)
        invalid += self._unknown(fields)
        if invalid:
            return _invalid(invalid + impossible)
        return self._impossible(values, impossible) if impossible else tuple(values)

    def _impossible(self, values: list[Any], errors: list[FieldError]) -> Fault:
        """Return the fault of values out of bounds, with a suggestion if one mistake explains them."""
        detail = _details(errors)
        mistake = guess(self._contract.inputs, tuple(values))
        if mistake is None:
            return Fault(True, detail, errors[:MAX_ERRORS])
        return Fault(True, f"{mistake.question} {detail}", errors[:MAX_ERRORS], mistake.suggestion)

    def _sort_faults(self, fields: Mapping[str, Buffer]) -> tuple[list[FieldError], list[FieldError], list[Any]]:
        """Return the errors of values of a wrong kind, the errors of numbers out of bounds, and all values."""
        invalid: list[FieldError] = []
        impossible: list[FieldError] = []
        values: list[Any] = []
        for number, each in enumerate(self._contract.inputs):
            raw = bytes(fields.get(each.name, b""))
            pointer = _pointer(each.name)
            fault, value = self._value(raw, number, each)
            if fault:
                invalid.append(FieldError(fault, pointer))
                continue
            values.append(value)
            low, high = each.bounds
            if each.kind in ("number", "integer") and value is not None and not low <= value <= high:
                impossible.append(FieldError(self._out_of_bounds(raw, value, each), pointer))
        return invalid, impossible, values

    def _unknown(self, fields: Mapping[str, Buffer]) -> list[FieldError]:
        """Return the errors of fields that are no inputs, where these are refused."""
        if not self._strict:
            return []
        known = self._contract.input_names
        alike = {squashed(name): name for name in known}
        errors = []
        for name in sorted(fields.keys() - set(known))[:MAX_ERRORS]:
            meant = alike.get(squashed(name))
            advice = f"did you mean {meant}?" if meant else "remove it; GET /model lists the inputs"
            errors.append(
                FieldError(f"{name[:SHOWN_CHARACTERS]!r} is no input of this model: {advice}", _pointer(name))
            )
        return errors

    def _value(self, raw: bytes, number: int, each: Input) -> tuple[str | None, Any]:
        """Return what is wrong with a field, or None, and its value. `raw` is its JSON, empty if it is absent."""
        if each.missing and raw in (b"", b"null"):
            return None, None
        if not raw:
            return f"{each.name} is missing: expected {_expected(each)}", None
        if each.kind in ("boolean", "category"):
            try:
                return None, self._decoders[number](raw)
            except msgspec.DecodeError:
                return f"{each.name}: expected {_expected(each)}, found {_found(raw, each)}{_meant(raw, each)}", None
        return _number(raw, each)

    def _out_of_bounds(self, raw: bytes, value: float, each: Input) -> str:
        low, high = each.bounds
        below = value < low
        comparison = f"{'less' if below else 'more'} than {each.in_unit(f'{low if below else high:.15g}')}"
        subject = f", which no {self._contract.subject} has" if self._contract.subject else ""
        return f"{each.name} {_excerpt(raw)} is {comparison}{subject}"

    def _body_fault(self, body: bytes | bytearray, error: Exception) -> str:
        required = [each.name for each in self._contract.inputs if not each.missing]
        names = required or [each.name for each in self._contract.inputs]
        rest = "" if len(names) <= MAX_ERRORS else f", ... ({len(names)} in all)"
        example = f"send a JSON object with {', '.join(names[:MAX_ERRORS])}{rest}"
        if not body:
            return f"the body is empty: {example}"
        if isinstance(error, RecursionError):
            return f"the body is nested too deeply: {example}"
        if isinstance(error, UnicodeDecodeError):
            return f"the body is not UTF-8: {example}"
        if body.startswith(b"\xef\xbb\xbf"):
            return f"the body starts with a byte order mark, which JSON does not allow: {example} without it"
        return f"{what_is_wrong(error, body)}: {example}"


def _pointer(name: str) -> str:
    """Return the JSON pointer to a field (RFC 6901)."""
    return f"#/{name.replace('~', '~0').replace('/', '~1')}"


def _expected(each: Input) -> str:
    if each.kind == "boolean":
        return "true or false"
    if each.kind == "category":
        return f"one of {listed(each.categories)}"
    number = "an integer" if each.kind == "integer" else "a number"
    return f"{number} of {each.unit}" if each.unit else number


def _found(raw: bytes, each: Input) -> str:
    if each.kind == "category" and (raw[0] == ord('"') or raw[0] not in KINDS):
        return _excerpt(raw)
    return KINDS.get(raw[0], "a number")


def _meant(raw: bytes, each: Input) -> str:
    """Return a question for the only category that is close to the one in `raw`, or an empty string."""
    if each.kind != "category" or not raw.startswith(b'"') or len(raw) > MAX_CATEGORY_BYTES:
        return ""
    text = _decode_text(raw)
    close = [name for name in each.categories[:MAX_CATEGORIES] if isinstance(name, str) and is_close(text, name)]
    return f"; did you mean {close[0]!r}?" if len(close) == 1 else ""


def is_close(one: str, other: str) -> bool:
    """Return whether two texts differ by case and blanks, or by one character or two neighbours that are swapped."""
    one, other = one.strip().casefold(), other.strip().casefold()
    if one == other:
        return True
    start = next(
        (i for i, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )
    left, right = one[start:], other[start:]
    swapped = left[:2] == right[1::-1] and left[2:] == right[2:]
    return swapped or left[1:] == right[1:] or left[1:] == right or left == right[1:]


def _number(raw: bytes, each: Input) -> tuple[str | None, float]:
    expected = f"{each.name}: expected {_expected(each)}"
    if raw[0] in KINDS:
        return f"{expected}, found {KINDS[raw[0]]}", 0.0
    try:
        value = _decode_number(raw)
    except msgspec.DecodeError:
        return f"{expected}, found {_excerpt(raw)}, which is too large or not a number", 0.0
    if value < 0 <= each.bounds[0]:
        return f"{expected} above zero, found {_excerpt(raw)}", 0.0
    if each.kind == "integer" and not value.is_integer():
        return f"{expected}, found {_excerpt(raw)}", 0.0
    return None, value


def _excerpt(raw: bytes) -> str:
    text = raw.decode("ascii", "backslashreplace")
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def what_is_wrong(error: Exception, body: bytes | bytearray | memoryview) -> str:
    """Return the decoder's message for a body, or a clearer one where we have it."""
    if half := _HALF_PAIR.search(body):
        return f"{half[0].decode()} is half of a surrogate pair, which is no character"
    return str(error)


def _details(errors: list[FieldError]) -> str:
    rest = "" if len(errors) <= MAX_ERRORS else f"; and {len(errors) - MAX_ERRORS} more"
    return "; ".join(error.detail for error in errors[:MAX_ERRORS]) + rest


def _invalid(errors: list[FieldError]) -> Fault:
    return Fault(False, _details(errors), errors[:MAX_ERRORS])
