"""Answers as columns of Arrow, made from the library's buffers: no Python object for a row."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from binding.library import Scored
from score.answers import AnswerColumn

TYPES = {"integer": pa.int32(), "number": pa.float32(), "boolean": pa.bool_(), "text": pa.string()}


def answer_type(column: AnswerColumn) -> pa.DataType:
    """Return the type of a column of answers: float32 as the model answers, and float64 if a number is added."""
    return pa.float64() if column.add else TYPES[column.kind]


def answer_array(column: AnswerColumn, scored: Scored, rows: int, given: pa.Array | None) -> pa.Array:
    """Return the values of a column. `given` is true for each row that has an answer; None means that all have."""
    if column.text is not None:
        values = _texts_of_flags(column, column.packed(scored), rows)
    else:
        values = _packed(column, column.packed(scored), rows)
    if given is None:
        return values
    return pc.if_else(given, values, pa.scalar(None, values.type))


def reason_array(reasons: Mapping[int, str], given: pa.Array | None, rows: int) -> pa.Array:
    """Return the column of reasons, by row, in ascending order."""
    if given is None:
        return pa.nulls(rows, pa.string())
    number = pc.cumulative_sum(pc.invert(given).cast(pa.int32()))  # of the reason, from 1 on
    places = pc.if_else(given, pa.scalar(None, pa.int32()), pc.subtract(number, 1))
    return pa.array([*reasons.values()], pa.string()).take(places)


def given_rows(scored: Scored, rows: int) -> pa.Array | None:
    """Return true for each row that has an answer, or None if all have one."""
    if not any(scored.faulty):
        return None
    return pc.equal(_array(pa.uint8(), scored.faulty, rows), 0)


def _packed(column: AnswerColumn, buffer: Any, rows: int) -> pa.Array:
    if column.kind != "number":
        codes = _array(pa.int32(), buffer, rows)
        if column.names:
            return pa.array(column.names, pa.string()).take(codes)
        return codes.cast(pa.bool_()) if column.kind == "boolean" else codes
    numbers = _array(pa.float32(), buffer, rows)
    finite = pc.is_finite(numbers)
    if not pc.all(finite).as_py():  # JSON has no such number, so POST /predict answers null
        numbers = pc.if_else(finite, numbers, pa.scalar(None, pa.float32()))
    return pc.add(numbers.cast(pa.float64()), column.add) if column.add else numbers


def _texts_of_flags(column: AnswerColumn, flags: bytearray, rows: int) -> pa.Array:
    """Return a text for each row of flags. There are few different ones."""
    assert column.text is not None
    encoded = _array(pa.binary(len(flags) // rows), flags, rows).dictionary_encode()
    return pa.array([*map(column.text, encoded.dictionary.to_pylist())], pa.string()).take(encoded.indices)


def _array(arrow_type: pa.DataType, buffer: Any, rows: int) -> pa.Array:
    return pa.Array.from_buffers(arrow_type, rows, [None, pa.py_buffer(buffer)])
