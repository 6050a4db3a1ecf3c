"""Answers as columns of Arrow, made from the library's buffers: no Python object for a row."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from binding.library import Scored
from score.answers import AnswerColumn

TYPES = {
    "integer": pa.int32(),
    "number": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "text": pa.string(),
}
MAX_BITS = 7  # flags that are one byte


def answer_type(column: AnswerColumn, *, dictionaries: bool) -> pa.DataType:
    """Return the type of a column: float32 as the model answers, and float64 for doubles, or if a number is added.

    Text is a dictionary if `dictionaries`, which Parquet writes faster; not everything that knows Arrow reads them.
    """
    if column.kind == "text" and dictionaries:
        return pa.dictionary(pa.int32(), pa.string())
    return pa.float64() if column.add else TYPES[column.kind]


def answer_array(
    column: AnswerColumn, scored: Scored, rows: int, given: pa.Array | None, *, dictionaries: bool
) -> pa.Array:
    """Return the values of a column. `given` is true for each row that has an answer; None means that all have."""
    packed = column.packed(scored)
    if column.kind != "text":
        return _where(given, _values(column, packed, rows))
    codes, names = _codes(column, packed, rows)
    codes, texts = _where(given, codes.cast(pa.int32())), pa.array(names, pa.string())
    return pa.DictionaryArray.from_arrays(codes, texts) if dictionaries else texts.take(codes)


def reason_array(reasons: Mapping[int, str], given: pa.Array | None, rows: int) -> pa.Array:
    """Return the column of reasons, by row, in ascending order."""
    if given is None:
        return pa.nulls(rows, pa.string())
    number = pc.cumulative_sum(pc.invert(given).cast(pa.int32()))  # of the reason, from 1 on
    places = pc.if_else(given, pa.scalar(None, pa.int32()), pc.subtract(number, 1))
    return pa.array([*reasons.values()], pa.string()).take(places)


def given_rows(scored: Scored, rows: int) -> pa.Array | None:
    """Return true for each row that has an answer, or None if all have one."""
    if b"\1" not in scored.faulty:
        return None
    return pc.equal(_array(pa.uint8(), scored.faulty, rows), 0)


def _values(column: AnswerColumn, packed: Any, rows: int) -> pa.Array:
    if column.kind not in ("number", "double"):
        integers = _array(pa.int32(), packed, rows)
        return integers.cast(pa.bool_()) if column.kind == "boolean" else integers
    own = TYPES[column.kind]
    numbers = _array(own, packed, rows)
    finite = pc.is_finite(numbers)
    if not pc.all(finite).as_py():  # JSON has no such number, so POST /predict answers null
        numbers = pc.if_else(finite, numbers, pa.scalar(None, own))
    return pc.add(numbers.cast(pa.float64()), column.add) if column.add else numbers


def _codes(column: AnswerColumn, packed: Any, rows: int) -> tuple[pa.Array, Sequence[str]]:
    """Return texts as numbers of names, and the names."""
    if column.text is None:
        return _array(pa.int32(), packed, rows), column.names
    width = len(packed) // rows
    if width <= MAX_BITS:
        flags = [_array(pa.uint8(), packed[place::width], rows) for place in range(width)]
        code = flags[0]
        for place, flag in enumerate(flags[1:], start=1):
            code = pc.add(code, pc.multiply(flag, pa.scalar(1 << place, pa.uint8())))
        return code, [column.text(bytes(number >> place & 1 for place in range(width))) for number in range(1 << width)]
    encoded = _array(pa.binary(width), packed, rows).dictionary_encode()
    return encoded.indices, [*map(column.text, encoded.dictionary.to_pylist())]


def _where(given: pa.Array | None, values: pa.Array) -> pa.Array:
    return values if given is None else pc.if_else(given, values, pa.scalar(None, values.type))


def _array(arrow_type: pa.DataType, buffer: Any, rows: int) -> pa.Array:
    return pa.Array.from_buffers(arrow_type, rows, [None, pa.py_buffer(buffer)])
