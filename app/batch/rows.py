"""The rows of an inference request: binary ones stay where they are in its body, JSON ones are packed as float32."""

from typing import NamedTuple

from msgspec import UNSET

from app.batch.tensors import JsonRows, TensorFault, excerpt
from app.core.protocol import HEADER_NAME, INPUT, Protocol, RequestInput
from binding.library import FLOAT_BYTES

MAX_DIGITS = 20  # of the value of HEADER_NAME; Python refuses to convert more than 4,300
MAX_UNSIGNED = (1 << 64) - 1  # the largest dimension in the protocol, a uint64


class Unacceptable(Exception):
    """Raised for a request that is refused. It carries the message for the client and the HTTP status."""

    def __init__(self, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.status = status


class Rows(NamedTuple):
    """The arguments of Library.predict_rows: `rows` rows of float32 inputs in `data`, from byte `offset` on."""

    data: bytes
    offset: int
    rows: int


def json_length(header: bytes | None, body_length: int) -> int:
    """Return how many bytes of a body are JSON: all of them, unless the header HEADER_NAME gives a length.

    Raises Unacceptable if the header is not a number of at most `body_length`.
    """
    if header is None:
        return body_length
    header = header.strip(b" \t")
    if not header.isdigit() or len(header) > MAX_DIGITS or int(header) > body_length:
        found = excerpt(header.decode("latin-1"))
        raise Unacceptable(f"{HEADER_NAME}: expected at most the body's {body_length} bytes, found {found}")
    return int(header)


class RowReader:
    """Reads the input tensor of one model. Made once for it."""

    def __init__(self, protocol: Protocol, max_rows: int) -> None:
        self.protocol = protocol
        self._columns = protocol.columns
        self._max_rows = max_rows
        self._json = JsonRows(protocol)

    def read(self, inputs: list[RequestInput], body: bytes, offset: int) -> Rows:
        """Return the rows of the only input tensor. The binary data after the JSON starts at byte `offset` of `body`.

        Raises Unacceptable if the input is not a tensor of the model or has too many rows.
        """
        if [tensor.name for tensor in inputs] != [INPUT]:
            found = excerpt(", ".join(tensor.name for tensor in inputs)) or "none"
            raise Unacceptable(f"inputs: expected one, {INPUT}, found {found}")
        (tensor,) = inputs
        count = self._count(tensor)
        size, data = tensor.parameters.binary_data_size, tensor.data
        if size is not UNSET and data is UNSET:
            self._check_binary(size, len(body) - offset, count)
            return Rows(body, offset, count)
        if data is not UNSET and size is UNSET:
            return Rows(self._pack(bytes(data), count, len(body) - offset), 0, count)
        found = "neither" if data is UNSET else "both"
        raise Unacceptable(f"{INPUT}: expected data or the parameter binary_data_size, found {found}")

    def _count(self, tensor: RequestInput) -> int:
        datatype = self.protocol.inputs[0].datatype
        if tensor.datatype != datatype:
            raise Unacceptable(f"{INPUT}: expected datatype {datatype}, found {excerpt(tensor.datatype)}")
        shape = tensor.shape
        if len(shape) != 2 or shape[1] != self._columns or shape[0] > MAX_UNSIGNED:
            raise Unacceptable(f"{INPUT}: expected shape [rows, {self._columns}], found {excerpt(str(shape))}")
        if shape[0] > self._max_rows:
            raise Unacceptable(
                f"{INPUT}: expected at most {self._max_rows} rows, found {shape[0]}; send several requests", 413
            )
        return shape[0]

    def _check_binary(self, size: int, found: int, count: int) -> None:
        """Raise Unacceptable unless the declared `size` and the `found` bytes after the JSON equal `count` rows."""
        wanted = count * self._columns * FLOAT_BYTES
        expected = f"expected {wanted} bytes for shape [{count}, {self._columns}]"
        if size != wanted:
            raise Unacceptable(f"{INPUT}: binary_data_size: {expected}, found {excerpt(str(size))}")
        if size != found:
            raise Unacceptable(f"{expected} after the JSON, found {found}; {HEADER_NAME} is the length of the JSON")

    def _pack(self, data: bytes, count: int, trailing: int) -> bytes:
        if trailing:
            raise Unacceptable(
                f"{INPUT}: expected no bytes after the JSON, as there is no binary_data_size, found {trailing}"
            )
        try:
            return self._json.pack(data, count)
        except TensorFault as fault:
            raise Unacceptable(f"{INPUT}: {fault}") from None
