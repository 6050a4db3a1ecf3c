"""The rows of an inference request for a model with categories: one tensor an input, packed into rows of float32."""

import struct
from array import array
from collections.abc import Callable, Iterator, Sequence
from math import nan
from typing import Any

import msgspec
from msgspec import UNSET

from app.batch.rows import MAX_UNSIGNED, Rows, Unacceptable
from app.batch.tensors import excerpt
from app.core.protocol import DataType, Protocol, RequestInput, TensorMetadata
from contract.schema import Input, listed

MAX_ROWS = 65_536  # of one request: its values become Python objects, a column at a time
SIZES: dict[DataType, int] = {"FP32": 4, "INT64": 8, "BOOL": 1}  # bytes of a value
FORMATS: dict[DataType, str] = {"FP32": "f", "INT64": "q", "BOOL": "?"}
LENGTH_BYTES = 4  # before each text in a binary tensor, little-endian
JSON_TYPES: dict[DataType, Any] = {"FP32": float, "INT64": int, "BOOL": bool, "BYTES": str}


class ColumnReader:
    """Reads the input tensors of one model with categories. Made once for it."""

    def __init__(self, protocol: Protocol, inputs: Sequence[Input], max_rows: int) -> None:
        self.protocol = protocol
        self._max_rows = min(max_rows, MAX_ROWS)
        self._columns = [
            Column(tensor, each, place)
            for place, (tensor, each) in enumerate(zip(protocol.inputs, inputs, strict=True))
        ]

    def read(self, inputs: list[RequestInput], body: bytes, offset: int) -> Rows:
        """Return the rows. The binary data of all tensors follow each other from byte `offset` of `body` on.

        Raises Unacceptable if a tensor is missing, unknown or faulty.
        """
        given = {tensor.name: tensor for tensor in inputs}
        names = [column.name for column in self._columns]
        if sorted(given) != sorted(names) or len(given) < len(inputs):
            found = excerpt(", ".join(tensor.name for tensor in inputs)) or "none"
            raise Unacceptable(f"inputs: expected one tensor for each of {listed(names)}, found {found}")
        count = self._count(inputs)
        pieces = _binary_pieces(inputs, body, offset)
        rows = array("f", bytes(4 * count * len(names)))
        for column in self._columns:
            rows[column.place :: len(names)] = array("f", column.numbers(given[column.name], pieces, count))
        return Rows(rows.tobytes(), 0, count)

    def _count(self, inputs: list[RequestInput]) -> int:
        first = inputs[0].shape
        for tensor in inputs:
            shape = tensor.shape
            if not shape or shape[1:] not in ([], [1]) or shape[:1] != first[:1] or shape[0] > MAX_UNSIGNED:
                raise Unacceptable(f"{tensor.name}: expected shape [rows] or [rows, 1], found {excerpt(str(shape))}")
        if first[0] > self._max_rows:
            raise Unacceptable(f"expected at most {self._max_rows} rows, found {first[0]}; send several requests", 413)
        return first[0]


def _binary_pieces(inputs: list[RequestInput], body: bytes, offset: int) -> dict[str, memoryview]:
    """Return the bytes of each tensor that is sent in binary, in the order of the request."""
    pieces: dict[str, memoryview] = {}
    whole = memoryview(body)
    for tensor in inputs:
        size = tensor.parameters.binary_data_size
        if (size is UNSET) == (tensor.data is UNSET):
            found = "neither" if size is UNSET else "both"
            raise Unacceptable(f"{tensor.name}: expected data or the parameter binary_data_size, found {found}")
        if size is not UNSET:
            if not 0 <= size <= len(body) - offset:
                raise Unacceptable(f"{tensor.name}: expected {excerpt(str(size))} bytes, found {len(body) - offset}")
            pieces[tensor.name] = whole[offset : offset + size]
            offset += size
    if offset != len(body):
        raise Unacceptable(f"expected no bytes after the tensors, found {len(body) - offset}")
    return pieces


class Column:
    """One input tensor: its values as the numbers that the model gets. NaN is missing."""

    def __init__(self, tensor: TensorMetadata, each: Input, place: int) -> None:
        self.name = tensor.name
        self.place = place
        self._datatype = tensor.datatype
        self._input = each
        self._codes = {str(name): float(number) for number, name in enumerate(each.categories)}
        kind = JSON_TYPES[tensor.datatype]
        self._decode: Callable[[bytes], list[Any]] = msgspec.json.Decoder(
            list[kind | None] if each.missing else list[kind]  # type: ignore[valid-type]  # made from the contract
        ).decode

    def numbers(self, tensor: RequestInput, pieces: dict[str, memoryview], count: int) -> list[float]:
        """Return the numbers of all rows. Raises Unacceptable if a value is faulty or there are not `count`."""
        if tensor.datatype != self._datatype:
            raise Unacceptable(f"{self.name}: expected datatype {self._datatype}, found {excerpt(tensor.datatype)}")
        piece = pieces.get(self.name)
        values = self._json(tensor) if piece is None else self._binary(piece, count)
        if len(values) != count:
            raise Unacceptable(f"{self.name}: expected {count} values, found {len(values)}")
        return [self._number(value, row) for row, value in enumerate(values)]

    def _json(self, tensor: RequestInput) -> list[Any]:
        assert tensor.data is not UNSET
        try:
            return self._decode(bytes(tensor.data))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Unacceptable(f"{self.name}: data: expected a list of values: {error}") from None

    def _binary(self, piece: memoryview, count: int) -> list[Any]:
        if self._datatype == "BYTES":
            return list(self._texts(piece))
        expected = count * SIZES[self._datatype]
        if len(piece) != expected:
            raise Unacceptable(f"{self.name}: expected {expected} bytes, found {len(piece)}")
        return list(struct.unpack(f"<{count}{FORMATS[self._datatype]}", piece))

    def _texts(self, piece: memoryview) -> Iterator[str]:
        start = 0
        while start < len(piece):
            length = int.from_bytes(piece[start : start + LENGTH_BYTES], "little")
            end = start + LENGTH_BYTES + length
            if end > len(piece):
                raise Unacceptable(
                    f"{self.name}: expected {LENGTH_BYTES} bytes of length before each text; the last is cut"
                )
            yield bytes(piece[start + LENGTH_BYTES : end]).decode("utf-8", "replace")
            start = end

    def _number(self, value: Any, row: int) -> float:
        if value is None:
            return nan
        if not self._codes:
            try:
                return _float32(value)
            except OverflowError:
                raise Unacceptable(
                    f"{self.name}: row {row}: expected a number of float32's range, found {value}"
                ) from None
        code = self._codes.get(str(value))
        if code is not None:
            return code
        if self._input.unseen == "missing" or (value == "" and self._input.missing):
            return nan  # binary texts know no null: an empty one stands for it
        raise Unacceptable(
            f"{self.name}: row {row}: expected one of {listed(self._input.categories)}, found {excerpt(repr(value))}"
        )


def _float32(value: float) -> float:
    """Return a number that float32 can hold, rounded. Raises OverflowError."""
    number: float = struct.unpack("=f", struct.pack("=f", value))[0]
    return number
