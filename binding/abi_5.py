"""Libraries of ABI 5, which bundles of format 2 hold: their prediction sets are bits, and values are the outputs.

Only these pay for the translation.
"""

import ctypes
import struct
from array import array
from collections.abc import Callable, Iterator, Sequence
from math import nan

from binding.columns import Buffer, Column, Limit

ABI = 5
# The label and the probabilities; the prediction set (bit i for class i), whether the row is in distribution, and its
# distance.
BitsPrediction = tuple[int, dict[str, float], int, bool, float]
NamedPrediction = tuple[int, dict[str, float], list[str], bool, float]  # RowPrediction of binding/library.py


def batch_function(
    addresses: Sequence[int], outputs: int
) -> Callable[[bytes, int, int, int, int], tuple[bytearray, bytearray, bytearray]]:
    """Return the function of many rows. `addresses` are those of predict_rows and predict_feature_rows."""
    pointer = ctypes.c_void_p
    prototype = ctypes.CFUNCTYPE(
        ctypes.c_int32, ctypes.c_int32, pointer, ctypes.c_int64, pointer, pointer, pointer
    )  # without the GIL
    functions = [prototype(address) for address in addresses]

    def predict_batch(
        data: bytes, offset: int, rows: int, instruction_set: int, of_features: int
    ) -> tuple[bytearray, bytearray, bytearray]:
        batch = bytearray(4 * rows * outputs), bytearray(4 * rows * outputs), bytearray(4 * rows)
        memory = [(ctypes.c_char * len(each)).from_buffer(each) for each in batch]
        start = ctypes.cast(ctypes.c_char_p(data), pointer).value or 0
        if functions[of_features](instruction_set, start + offset, rows, *memory) != 0:
            raise MemoryError(f"no memory to predict {rows} rows")
        return batch

    return predict_batch


def with_names(
    predict: Callable[[tuple[float | None, ...]], BitsPrediction], names: tuple[str, ...]
) -> Callable[[tuple[float | None, ...]], NamedPrediction]:
    """Return the function for one row with the prediction set as a list of names. It keeps the library mapped."""

    def predict_named(row: tuple[float | None, ...]) -> NamedPrediction:
        label, values, bits, inside, distance = predict(row)
        return label, values, [name for i, name in enumerate(names) if bits >> i & 1], inside, distance

    return predict_named


def sets_of_bits(bits: bytes | bytearray, classes: int) -> bytearray:
    """Return prediction sets as uint8 of shape (rows, classes), from int32 of shape (rows,) with bit i for class i."""
    members = struct.unpack(f"={len(bits) // 4}i", bits)
    rows = {each: bytes(each >> i & 1 for i in range(classes)) for each in set(members)}
    return bytearray().join(map(rows.__getitem__, members))


def interleaved(columns: Sequence[Column], limits: Sequence[Limit], rows: int) -> tuple[bytes, bytearray]:
    """Return columns as rows of float32, and 1 for each faulty row. Raises ValueError if a column is too short."""
    data = array("f", bytes(4 * rows * len(columns)))
    faulty = bytearray(rows)
    for place, (column, limit) in enumerate(zip(columns, limits, strict=True)):
        numbers = memoryview(column.values).cast("B").cast("d")[column.offset : column.offset + rows].tolist()
        if len(numbers) < rows:
            raise ValueError(f"expected a column of {rows} rows, found {len(numbers)}")
        given = _valid(column.validity, column.offset, rows)
        known = [number if there else nan for number, there in zip(numbers, given, strict=True)]
        data[place :: len(columns)] = array("f", known)
        for i, there in enumerate(_valid(column.validity, column.offset, rows)):
            faulty[i] |= _is_faulty(numbers[i], limit) if there else not limit.missing
    return data.tobytes(), faulty


def _valid(validity: Buffer | None, offset: int, rows: int) -> Iterator[int]:
    if validity is None:
        return iter(b"\1" * rows)
    bits = memoryview(validity).cast("B")
    return (bits[at >> 3] >> (at & 7) & 1 for at in range(offset, offset + rows))


def _is_faulty(number: float, limit: Limit) -> bool:
    if number != number:
        return not limit.unseen
    return not limit.low <= number <= limit.high or (limit.whole and not number.is_integer())
