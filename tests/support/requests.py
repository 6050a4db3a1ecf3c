"""Requests that many tests send."""

import msgspec
import pytest

from tests.support.commands import EXAMPLE
from tests.support.wire import Wire

BIRD = msgspec.json.encode(EXAMPLE)
PREDICT = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(BIRD), BIRD)
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
MODEL = b"GET /model HTTP/1.1\r\nHost: x\r\n\r\n"

DOORS = pytest.mark.parametrize("door", ["1", "0"], ids=["fast", "starlette"])  # the values of FAST_PATH


def asking(path: str, body: bytes = BIRD, head: bytes = b"") -> bytes:
    """Make a POST. `head` are more lines of its header block, each with its end."""
    return b"POST %b HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n%b" % (path.encode(), head, len(body), body)


def ask_many(port: int, count: int, request: bytes = PREDICT) -> None:
    """Send so many requests on one connection, and read the answers."""
    with Wire(port) as wire:
        for _ in range(count):
            wire.send(request)
            assert wire.response().status == 200
