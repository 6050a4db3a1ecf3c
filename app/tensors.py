"""Tensors as JSON and as the bytes that the library reads and writes.

Binary tensors are little-endian on the wire, as in memory, and never touched here. JSON is converted in slices: a
million numbers are never Python objects at once, and other threads get their turn between two slices.
"""

import re
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Literal

import msgspec
import orjson

from app.library import FLOAT_BYTES
from app.protocol import DataType
from contract.measurements import MEASUREMENTS

assert sys.byteorder == "little", "a binary tensor is little-endian, this machine is not"

COLUMNS = len(MEASUREMENTS)
SLICE_CHARACTERS = 1 << 17  # of JSON that is decoded at once: about a millisecond
SLICE_NUMBERS = 1 << 14  # that are encoded at once
JSON_CHARACTERS: dict[DataType, int] = {"FP32": 25, "INT32": 12}  # of one number and its comma, at most
SHOWN_CHARACTERS = 80  # of a client's value in an error
FORMATS: dict[DataType, Literal["f", "i"]] = {"FP32": "f", "INT32": "i"}  # memoryview's

_NESTED = re.compile(rb"\[[ \t\r\n]*\[")
_decode_numbers = msgspec.json.Decoder(list[float]).decode
_decode_rows = msgspec.json.Decoder(list[tuple[(float,) * COLUMNS]]).decode  # type: ignore[misc]  # of that length


class TensorFault(ValueError):
    """Says what was expected and what was found."""


def pack_json(data: bytes, rows: int) -> bytes:
    """float32 values of a JSON array: flat, or rows of COLUMNS. `data` is well-formed JSON. Raises TensorFault."""
    if not data.startswith(b"["):
        raise TensorFault(
            f"data: expected an array of {rows * COLUMNS} numbers, found {shown(data.decode(errors='replace'))}"
        )
    nested = _NESTED.match(data) is not None
    decode: Callable[[bytes], Iterable[float]] = _flatten if nested else _decode_numbers
    packed = bytearray()
    for piece in _pieces(data, b"]," if nested else b","):
        packed += _pack(decode, b"[%b]" % piece, len(packed) // FLOAT_BYTES)
    if len(packed) != rows * COLUMNS * FLOAT_BYTES:
        found = len(packed) // FLOAT_BYTES
        raise TensorFault(f"data: expected {rows * COLUMNS} numbers for shape [{rows}, {COLUMNS}], found {found}")
    return bytes(packed)


def _flatten(data: bytes) -> Iterable[float]:
    return chain.from_iterable(_decode_rows(data))


def _pieces(array: bytes, cuts: bytes) -> Iterable[bytes]:
    """Parts of an array between commas, each a list of elements once it is in brackets again.

    `cuts` are the bytes to look for, one after the other: a comma of the outer array comes after a bracket.
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


def _pack(decode: Callable[[bytes], Iterable[float]], piece: bytes, before: int) -> bytes:
    """One piece as float32, after `before` numbers of others."""
    try:
        values = tuple(decode(piece))
        return struct.pack(f"={len(values)}f", *values)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        where = f"after {before} numbers: " if before else ""
        form = f"numbers of float32's range, flat or in rows of {COLUMNS}"
        raise TensorFault(f"data: expected {form}; {where}{error}") from error


def shown(text: str) -> str:
    """The start of a client's value, for an error."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def json_numbers(buffer: bytearray, datatype: DataType) -> Iterator[bytes]:
    """A flat JSON array of the numbers in `buffer`, in pieces. Read as float32 or int32 again, they are the same."""
    numbers = memoryview(buffer).cast(FORMATS[datatype])
    before = b"["
    for start in range(0, len(numbers), SLICE_NUMBERS):
        yield before + orjson.dumps(numbers[start : start + SLICE_NUMBERS].tolist())[1:-1]
        before = b","
    yield b"]" if len(numbers) else b"[]"
