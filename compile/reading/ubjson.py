"""UBJSON (draft 12, ubjson.org/type-reference) as XGBoost writes it, read strictly.

A typed array of numbers becomes a numpy array that shares the file's memory. XGBoost's own reader guesses at no-ops,
repeated keys and bytes after the end. Here they are errors.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from compile.reading.strict_json import MAX_LEVELS, Malformed, to_object

NUMBERS: dict[bytes, np.dtype[Any]] = {  # marker: the big-endian type behind it
    b"i": np.dtype(">i1"),
    b"U": np.dtype(">u1"),
    b"I": np.dtype(">i2"),
    b"l": np.dtype(">i4"),
    b"L": np.dtype(">i8"),
    b"d": np.dtype(">f4"),
    b"D": np.dtype(">f8"),
}
CONSTANTS = {b"Z": None, b"T": True, b"F": False}


def read_ubjson(data: bytes) -> Any:
    """Return the value that `data` holds. Raises Malformed, naming the byte."""
    reader = _Reader(data)
    value = reader.value(reader.take(1), 0)
    if reader.at != len(data):
        raise Malformed(f"{len(data) - reader.at} bytes follow the end of the UBJSON, at byte {reader.at}")
    return value


class _Reader:
    """A position in the bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        if count > len(self.data) - self.at:
            raise Malformed(f"UBJSON ends at byte {len(self.data)}, {count} more bytes expected at byte {self.at}")
        start, self.at = self.at, self.at + count
        return self.data[start : self.at]

    def value(self, marker: bytes, depth: int) -> Any:
        """Return the value after a marker that was read."""
        if depth > MAX_LEVELS:
            raise Malformed(f"more than {MAX_LEVELS} levels at byte {self.at}")
        if marker in NUMBERS:
            return self.numbers(NUMBERS[marker], 1)[0].item()
        if marker in CONSTANTS:
            return CONSTANTS[marker]
        if marker == b"S":
            return self.text()
        containers: dict[bytes, Callable[[int], Any]] = {b"{": self.object, b"[": self.array}
        if marker not in containers:
            raise Malformed(f"{marker!r} at byte {self.at - 1} is no UBJSON that XGBoost writes")
        return containers[marker](depth + 1)

    def numbers(self, kind: np.dtype[Any], count: int) -> npt.NDArray[Any]:
        """Return `count` numbers as an array in native byte order."""
        size = kind.itemsize * count
        if size > len(self.data) - self.at:
            raise Malformed(f"UBJSON ends at byte {len(self.data)}, {count} numbers expected at byte {self.at}")
        array = np.frombuffer(self.data, kind, count, self.at)
        self.at += size
        return array.astype(kind.newbyteorder("="), copy=False)

    def length(self) -> int:
        """Return a length: an integer of any width, not negative."""
        marker = self.take(1)
        if marker not in NUMBERS or marker in b"dD":
            raise Malformed(f"{marker!r} at byte {self.at - 1} where a length is expected")
        length = int(self.numbers(NUMBERS[marker], 1)[0])
        if length < 0:
            raise Malformed(f"a length of {length} before byte {self.at}")
        return length

    def text(self) -> str:
        """Return a string: its length, then UTF-8."""
        try:
            return self.take(self.length()).decode()
        except UnicodeDecodeError as error:
            raise Malformed(f"a text before byte {self.at} is not UTF-8") from error

    def object(self, depth: int) -> dict[str, Any]:
        """Return an object; its keys have no marker of their own."""
        pairs = []
        while self.data[self.at : self.at + 1] != b"}":
            key = self.text()
            pairs.append((key, self.value(self.take(1), depth)))
        self.at += 1
        return to_object(pairs)

    def array(self, depth: int) -> Any:
        """Return a numpy array of a typed array, a list of any other."""
        marker = self.take(1)
        if marker == b"$":
            kind = self.take(1)
            if kind not in NUMBERS or self.take(1) != b"#":
                raise Malformed(f"an array of {kind!r} before byte {self.at}")
            return self.numbers(NUMBERS[kind], self.length())
        if marker == b"#":
            return [self.value(self.take(1), depth) for _ in range(self.length())]
        items = []
        while marker != b"]":
            items.append(self.value(marker, depth))
            marker = self.take(1)
        return items
