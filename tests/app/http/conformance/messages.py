"""Requests as bytes: valid ones, and the parts from which the tables make faulty ones."""

import json
from itertools import pairwise

from tests.support.commands import EXAMPLE

HOST = b"Host: penguins.example"
JSON = b"Content-Type: application/json"
CHUNKED = b"Transfer-Encoding: chunked"
BIRD = json.dumps(EXAMPLE).encode()
LENGTH = b"Content-Length: %d" % len(BIRD)
ROW = {"name": "measurements", "shape": [1, 4], "datatype": "FP32", "data": list(EXAMPLE.values())}
ROWS = json.dumps({"inputs": [ROW]}).encode()
INFER_PATH = b"/v2/models/penguin/infer"


def lines(*lines: bytes, body: bytes = b"") -> bytes:
    """Make a message of these lines."""
    return b"\r\n".join([*lines, b"", b""]) + body


def get(path: bytes = b"/health/live", *fields: bytes, method: bytes = b"GET") -> bytes:
    """Make a request without a body."""
    return lines(b"%s %s HTTP/1.1" % (method, path), HOST, *fields)


def post(*fields: bytes, path: bytes = b"/predict", body: bytes = BIRD, version: bytes = b"1.1") -> bytes:
    """Make a request with a body and its length."""
    return lines(b"POST %s HTTP/%s" % (path, version), HOST, *fields, b"Content-Length: %d" % len(body), body=body)


def framed(*fields: bytes, body: bytes = BIRD, version: bytes = b"1.1") -> bytes:
    """Make a request to /predict. `fields` say how long its body is, correctly or not."""
    return lines(b"POST /predict HTTP/" + version, HOST, *fields, body=body)


def chunks(*parts: bytes, trailers: bytes = b"") -> bytes:
    """Make a chunked body of these parts."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailers + b"\r\n"


def cut(data: bytes, *positions: int) -> tuple[bytes, ...]:
    """Cut the data at these positions."""
    bounds = [0, *positions, len(data)]
    return tuple(data[start:stop] for start, stop in pairwise(bounds))


def each_byte(data: bytes) -> tuple[bytes, ...]:
    """Cut the data into single bytes."""
    return cut(data, *range(1, len(data)))


LIVE = get()
MODEL = get(b"/model")
OPENAPI = get(b"/openapi.json")
PREDICT = post()
INFER = post(path=INFER_PATH, body=ROWS)
IN_CHUNKS = framed(CHUNKED, body=chunks(BIRD[:7], BIRD[7:]))


def in_chunks(*parts: bytes) -> bytes:
    """Make a chunked request to /predict with exactly these bytes as its body."""
    return framed(CHUNKED, body=b"".join(parts))


SIZE = b"%x" % len(BIRD)
LAST = b"0\r\n\r\n"


def spoilt(old: bytes, new: bytes, request: bytes = PREDICT) -> bytes:
    """Put a fault into the request."""
    assert old in request
    return request.replace(old, new, 1)
