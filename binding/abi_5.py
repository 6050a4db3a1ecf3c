"""Libraries of ABI 5, which bundles of format 2 hold: their prediction sets are bits, and values are the outputs.

Only these pay for the translation.
"""

import struct
from collections.abc import Callable

ABI = 5
# The label and the probabilities; the prediction set (bit i for class i), whether the row is in distribution, and its
# distance.
BitsPrediction = tuple[int, dict[str, float], int, bool, float]
NamedPrediction = tuple[int, dict[str, float], list[str], bool, float]  # RowPrediction of binding/library.py


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
