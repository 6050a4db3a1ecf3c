"""The rows of an inference request: where they are in its body, or packed from its JSON."""

from typing import NamedTuple

from msgspec import UNSET

from app.library import FLOAT_BYTES
from app.protocol import INPUT, RequestInput
from app.tensors import COLUMNS, TensorFault, pack_json, shown

HEADER_NAME = "Inference-Header-Content-Length"  # the length in bytes of the JSON, where binary tensors follow it
MOST_DIGITS = 20  # of that length; Python refuses to convert thousands
MOST_UNSIGNED = (1 << 64) - 1  # the largest dimension that the protocol knows


class Unacceptable(Exception):
    """A request that is refused: what the client reads, and the status."""

    def __init__(self, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.status = status


class Rows(NamedTuple):
    """`rows` rows of measurements in `data`, from byte `offset`: the arguments of Library.predict_rows."""

    data: bytes
    offset: int
    rows: int


def json_length(given: bytes | None, body_length: int) -> int:
    """How much of a body is JSON: all of it, unless the header says otherwise. Raises Unacceptable."""
    if given is None:
        return body_length
    if not given.isdigit() or len(given) > MOST_DIGITS or int(given) > body_length:
        found = shown(given.decode("latin-1"))
        raise Unacceptable(f"{HEADER_NAME}: expected at most the body's {body_length} bytes, found {found}")
    return int(given)


def read_rows(inputs: list[RequestInput], body: bytes, offset: int, max_rows: int) -> Rows:
    """The one input's rows. What follows the JSON starts at `offset` in `body`. Raises Unacceptable."""
    if [tensor.name for tensor in inputs] != [INPUT.name]:
        found = shown(", ".join(tensor.name for tensor in inputs)) or "none"
        raise Unacceptable(f"inputs: expected one, {INPUT.name}, found {found}")
    (tensor,) = inputs
    count = _count(tensor, max_rows)
    size, data = tensor.parameters.binary_data_size, tensor.data
    if size is not UNSET and data is UNSET:
        _check_binary(size, len(body) - offset, count)
        return Rows(body, offset, count)
    if data is not UNSET and size is UNSET:
        return Rows(_pack(bytes(data), count, len(body) - offset), 0, count)
    found = "neither" if data is UNSET else "both"
    raise Unacceptable(f"{INPUT.name}: expected data or the parameter binary_data_size, found {found}")


def _count(tensor: RequestInput, max_rows: int) -> int:
    if tensor.datatype != INPUT.datatype:
        raise Unacceptable(f"{INPUT.name}: expected datatype {INPUT.datatype}, found {shown(tensor.datatype)}")
    shape = tensor.shape
    if len(shape) != len(INPUT.shape) or shape[1] != COLUMNS or shape[0] > MOST_UNSIGNED:
        raise Unacceptable(f"{INPUT.name}: expected shape [rows, {COLUMNS}], found {shown(str(shape))}")
    if shape[0] > max_rows:
        raise Unacceptable(
            f"{INPUT.name}: expected at most {max_rows} rows, found {shape[0]}; send several requests", 413
        )
    return shape[0]


def _check_binary(size: int, found: int, count: int) -> None:
    """Both the declared size and what follows the JSON are `count` rows."""
    expected = f"expected {count * COLUMNS * FLOAT_BYTES} bytes for shape [{count}, {COLUMNS}]"
    if size != count * COLUMNS * FLOAT_BYTES:
        raise Unacceptable(f"{INPUT.name}: binary_data_size: {expected}, found {shown(str(size))}")
    if size != found:
        raise Unacceptable(f"{expected} after the JSON, found {found}; {HEADER_NAME} is the length of the JSON")


def _pack(data: bytes, count: int, trailing: int) -> bytes:
    if trailing:
        raise Unacceptable(
            f"{INPUT.name}: expected no bytes after the JSON, as there is no binary_data_size, found {trailing}"
        )
    try:
        return pack_json(data, count)
    except TensorFault as fault:
        raise Unacceptable(f"{INPUT.name}: {fault}") from None
