"""Requests of the Open Inference Protocol, and what their refusals look like."""

import json

import msgspec

from app.core.protocol import ProtocolError
from tests.support.commands import EXAMPLE
from tests.support.service import Reply

INFER = "/v2/models/penguin/infer"
HEADER = "Inference-Header-Content-Length"
ROW = list(EXAMPLE.values())
TWO_ROWS = bytes(32)


def tensor(**changes: object) -> dict[str, object]:
    """Make an input of one bird. A change to None leaves the field out."""
    fields = {"name": "measurements", "datatype": "FP32", "shape": [1, 4], "data": ROW, **changes}
    return {name: value for name, value in fields.items() if value is not None}


def binary_tensor(size: object = 32, **changes: object) -> dict[str, object]:
    """Make an input of two birds whose values follow the JSON."""
    return tensor(**{"shape": [2, 4], "data": None, "parameters": {"binary_data_size": size}, **changes})


def request(*inputs: object, **fields: object) -> bytes:
    return json.dumps({"inputs": inputs, **fields}).encode()


def assert_protocol_error(reply: Reply, status: int, said: str) -> None:
    """Check that the error has the protocol's form and these words."""
    assert reply.status == status, reply
    assert reply.headers["content-type"] == "application/json"
    assert said in msgspec.json.decode(reply.body, type=ProtocolError).error


def batch(rows: int) -> tuple[bytes, dict[str, str]]:
    """Make a body of zeros and its header."""
    head = request(binary_tensor(rows * 16, shape=[rows, 4]))
    return head + bytes(rows * 16), {HEADER: str(len(head))}
