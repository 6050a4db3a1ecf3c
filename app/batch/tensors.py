"""Conversion between tensors in JSON and the float32 and int32 values that the library reads and writes.

Binary tensors need no conversion: they are little-endian on the wire and in memory. JSON is converted in slices, so a
million numbers are never Python objects at the same time, and other threads can run between two slices.
"""

import re
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from math import nan
from typing import Any, Literal

import msgspec
import orjson

from app.core.protocol import DataType, Protocol
from binding.library import FLOAT_BYTES

assert sys.byteorder == "little", "binary tensors are little-endian, but this machine is not"

SLICE_CHARACTERS = 1 << 17  # of JSON that are decoded at once, in about a millisecond
SLICE_NUMBERS = 1 << 14  # that are encoded at once
JSON_CHARACTERS: dict[DataType, int] = {
    "FP32": 25,
    "FP64": 25,
    "INT32": 12,
    "INT64": 21,
    "BOOL": 6,
    "BYTES": 0,
}  # of one value
EXCERPT_CHARACTERS = 80  # of a client's value in an error message
FORMATS: dict[DataType, Literal["f", "d", "i", "?"]] = {
    "FP32": "f",
    "FP64": "d",
    "INT32": "i",
    "BOOL": "?",
}  # of outputs, in memoryview

_NESTED = re.compile(rb"\[[ \t\r\n]*\[")


class TensorFault(ValueError):
    """Raised for a faulty tensor. Its message says what was expected and what was found."""


class JsonRows:
    """Packs rows of numbers in JSON for one model. Made once for it. null is a missing value, where one is allowed."""

    def __init__(self, protocol: Protocol) -> None:
        self._columns = columns = protocol.columns
        self._nullable = protocol.nullable
        number: Any = float | None if protocol.nullable else float
        self._decode_numbers = msgspec.json.Decoder(list[number]).decode
        self._decode_rows = msgspec.json.Decoder(list[tuple[(number,) * columns]]).decode  # type: ignore[misc]  # built from the columns

    def pack(self, data: bytes, rows: int) -> bytes:
        """Pack a JSON array of numbers, flat or in rows, as float32 in row-major order.

        `data` must be well-formed JSON. Raises TensorFault if it is not an array of as many numbers as `rows` have.
        """
        count = rows * self._columns
        if not data.startswith(b"["):
            raise TensorFault(
                f"data: expected an array of {count} numbers, found {excerpt(data.decode(errors='replace'))}"
            )
        nested = _NESTED.match(data) is not None
        decode: Callable[[bytes], Iterable[float | None]] = self._flatten if nested else self._decode_numbers
        packed = bytearray()
        for piece in _pieces(data, b"]," if nested else b","):
            packed += self._pack(decode, b"[%b]" % piece, len(packed) // FLOAT_BYTES)
        if len(packed) != count * FLOAT_BYTES:
            found = len(packed) // FLOAT_BYTES
            raise TensorFault(f"data: expected {count} numbers for shape [{rows}, {self._columns}], found {found}")
        return bytes(packed)

    def _flatten(self, data: bytes) -> Iterable[float | None]:
        return chain.from_iterable(self._decode_rows(data))

    def _pack(self, decode: Callable[[bytes], Iterable[float | None]], piece: bytes, before: int) -> bytes:
        """Pack one piece as float32. `before` numbers were in earlier pieces. Raises TensorFault if one is faulty."""
        try:
            values = tuple(decode(piece))
            if self._nullable:
                values = tuple(nan if value is None else value for value in values)
            return struct.pack(f"={len(values)}f", *values)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
            where = f"after {before} numbers: " if before else ""
            form = f"numbers of float32's range, flat or in rows of {self._columns}"
            raise TensorFault(f"data: expected {form}; {where}{error}") from error


def _pieces(array: bytes, cuts: bytes) -> Iterable[bytes]:
    """Split the text of a JSON array at commas, into pieces of about SLICE_CHARACTERS without the outer brackets.

    Each piece is valid JSON again when it is put in brackets. `cuts` are the bytes to search for, one after the other:
    in an array of rows, the comma that ends a row comes after a bracket.
    """
    start, last = 1, len(array) - 1
    while start < last:
        end = start + SLICE_CHARACTERS
        for cut in cuts:
            end = array.find(cut, end, last)
            if end < 0:
                break
        if end < 0:
            yield array[start:last]
            return
        yield array[start:end]
        start = end + 1


def excerpt(text: str) -> str:
    """Return the first EXCERPT_CHARACTERS of a client's value, for an error message."""
    return text if len(text) <= EXCERPT_CHARACTERS else f"{text[:EXCERPT_CHARACTERS]}..."


def json_numbers(buffer: bytearray, datatype: DataType) -> Iterator[bytes]:
    """Yield a flat JSON array of the numbers in `buffer`, in pieces.

    Parsed as float32, float64 or int32, the numbers have the same bits again. Infinity and NaN become null.
    """
    numbers = memoryview(buffer).cast(FORMATS[datatype])
    before = b"["
    for start in range(0, len(numbers), SLICE_NUMBERS):
        yield before + orjson.dumps(numbers[start : start + SLICE_NUMBERS].tolist())[1:-1]
        before = b","
    yield b"]" if len(numbers) else b"[]"
