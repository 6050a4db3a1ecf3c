"""Columns of Arrow as the columns that the compiled library takes, whatever their type: no Python object for a row.

A value stands for a JSON value, by its type: docs/many-rows.md has the table. Text is a cell: docs/table.md.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from binding.columns import Column
from contract.schema import Input
from score.cells import BLANKS, MISSING, Cells
from score.columns import REFUSED
from score.inputs import FAULTY

MAX_KNOWN = 4096  # distinct values of a column that are kept
_NUMBER = r"\A-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\z"  # JSON's
_NOT_FINITE = {"nan": b"NaN", "inf": b"Infinity", "-inf": b"-Infinity"}  # which JSON does not have
_TYPES = pa.types

Read = Callable[[pa.Array], pa.Array]  # to float64; REFUSED stands for a value of the wrong kind


class InputColumn:
    """Reads the columns of one input, of one type of Arrow. Made once for a schema."""

    def __init__(self, each: Input, kind: Any, arrow_type: pa.DataType, comma: bool = False) -> None:
        """`kind` is the type of the input's values, as `Inputs.kinds` has it. If `comma`, text may have decimal commas.

        Raises TypeError, which says what was expected, if the input takes no column of this type.
        """
        self._input = each
        self._cells = Cells(each, kind, comma)
        self._comma = comma
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(kind).decode
        self._known: dict[Any, float | None] = {}
        inner = arrow_type.value_type if _TYPES.is_dictionary(arrow_type) else arrow_type
        read = self._reader(inner)
        if read is None:
            raise TypeError(f"expected {_expected(each)}, found {arrow_type}")
        if _TYPES.is_string_view(inner):
            read = _of_views(read)
        self._read: Read = _through_dictionary(read) if inner is not arrow_type else read

    def column(self, values: pa.Array) -> Column:
        """Return the numbers of at least one value. A value that none of the input's kind is, is REFUSED."""
        numbers = self._read(values)
        validity, data = numbers.buffers()
        there = memoryview(validity) if validity is not None and numbers.null_count else None
        return Column(memoryview(data), there, numbers.offset)

    def json(self, values: pa.Array, rows: pa.Array) -> list[bytes]:
        """Return the JSON values that some values stand for. It makes objects: only faulty rows come here."""
        if _TYPES.is_string_view(values.type):
            values = values.cast(pa.string())
        return [self._json(value) for value in values_of(values.take(rows))]

    def _json(self, value: Any) -> bytes:
        if value is None:
            return b"null"
        if isinstance(value, str):
            return self._cells.json(value)
        if self._input.kind == "boolean" and not isinstance(value, bool) and value in (0, 1):
            value = bool(value)
        if isinstance(value, float):
            return _NOT_FINITE.get(str(value)) or orjson.dumps(value)
        return orjson.dumps(value) if isinstance(value, bool) else str(value).encode()

    def _reader(self, inner: pa.DataType) -> Read | None:
        """Return what reads an array of a type, or None if the input takes no such array."""
        kind = self._input.kind
        if _TYPES.is_null(inner):
            return lambda values: pa.nulls(len(values), pa.float64())
        if kind == "category":
            of_texts = isinstance(self._input.categories[0], str)
            taken = is_text(inner) or (not of_texts and (_TYPES.is_integer(inner) or _TYPES.is_floating(inner)))
            return self._singly if taken else None
        if kind == "boolean":
            if is_text(inner):
                return self._singly
            return _cast if _TYPES.is_boolean(inner) or _TYPES.is_integer(inner) else None
        if _TYPES.is_decimal(inner):  # Arrow's own way from decimals to float64 is not rounded correctly
            return lambda values: values.cast(pa.string()).cast(pa.float64())
        if _TYPES.is_integer(inner) or _TYPES.is_floating(inner):
            return _cast
        return self._numbers if is_text(inner) else None

    def _numbers(self, values: pa.Array) -> pa.Array:
        """Return the numbers of text."""
        try:
            text = pc.utf8_trim(values, BLANKS)
            if self._comma:
                text = pc.replace_substring(text, ",", ".")
            right = pc.match_substring_regex(text, _NUMBER)
            if not pc.all(right, min_count=0).as_py():
                missing = pc.is_in(text, pa.array(MISSING, text.type))
                wrong = pc.and_not(pc.is_valid(text), pc.or_kleene(right, missing))
                numbers = pc.if_else(right, text, None).cast(pa.float64())
                return pc.if_else(wrong, REFUSED, numbers)
            return text.cast(pa.float64())
        except pa.ArrowInvalid:  # no UTF-8
            return self._singly(values)

    def _singly(self, values: pa.Array) -> pa.Array:
        """Return the numbers of any values. One that occurs often is read once."""
        encoded = values.dictionary_encode()
        numbers = [*map(self._number, values_of(encoded.dictionary))]
        return pa.array(numbers, pa.float64()).take(encoded.indices)

    def _number(self, value: Any) -> float | None:
        if value in self._known:
            return self._known[value]
        number: float | None = None
        if (raw := self._json(value)) != b"null":
            try:
                number = float(self._decode(raw))
            except FAULTY:
                number = REFUSED
        if len(self._known) < MAX_KNOWN:
            self._known[value] = number
        return number


def is_text(arrow_type: pa.DataType) -> bool:
    """Return whether values of a type are text."""
    return bool(_TYPES.is_string(arrow_type) or _TYPES.is_large_string(arrow_type) or _TYPES.is_string_view(arrow_type))


def values_of(values: pa.Array) -> list[Any]:
    """Return values as objects. Text that is no UTF-8 has a question mark for each byte that is wrong."""
    try:
        objects: list[Any] = values.to_pylist()
    except UnicodeDecodeError:
        if _TYPES.is_dictionary(values.type):
            values = values.dictionary_decode()
        raw: Sequence[bytes | None] = values.cast(pa.large_binary()).to_pylist()
        objects = [None if each is None else each.decode("utf-8", "replace") for each in raw]
    return objects


def _cast(values: pa.Array) -> pa.Array:
    return values.cast(pa.float64(), safe=False)


def _of_views(read: Read) -> Read:
    """Return what reads string views, for which Arrow lacks functions, as strings."""
    return lambda values: read(values.cast(pa.string()))


def _through_dictionary(read: Read) -> Read:
    """Return what reads each value of a dictionary once."""

    def through(values: pa.Array) -> pa.Array:
        return read(values.dictionary).take(values.indices)

    return through


def _expected(each: Input) -> str:
    if each.kind == "boolean":
        return "booleans, integers 0 and 1, or text"
    if each.kind == "category":
        return "text" if isinstance(each.categories[0], str) else "integers or text"
    return "numbers, or numbers as text"
