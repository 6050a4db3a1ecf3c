"""Clients that together drive every bound on memory at once: each holds on to as much of the service as it may."""

import contextlib
import json
import socket
from collections.abc import Callable
from itertools import cycle, islice

from tests.support.commands import EXAMPLE
from tests.support.inference import INFER, batch

BIRD = json.dumps(EXAMPLE).encode()
MOST_SENT = 24 << 20  # bytes of one client: nobody sends for ever


def asking(path: str, body: bytes, *lines: str) -> bytes:
    """Make a request with these lines in its head."""
    head = "".join(f"{line}\r\n" for line in ("Host: x", f"Content-Length: {len(body)}", *lines))
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def learned(number: int) -> bytes:
    """Make one of many heads of nearly a kilobyte, which a connection remembers."""
    return asking("/predict", BIRD, f"X: {'x' * (800 + number)}")


def zeros(rows: int) -> bytes:
    """Make a batch of so many rows in a binary tensor."""
    body, headers = batch(rows)
    return asking(INFER, body, *(f"{name}: {value}" for name, value in headers.items()))


UNFINISHED_BODY = asking("/predict", BIRD.ljust(65_536))[:-1]
UNFINISHED_EXPLANATION = asking("/explain", BIRD.ljust(65_536))[:-1]
UNFINISHED_BATCH = asking(INFER, bytes(65_000))[:-1]
UNFINISHED_HEAD = b"GET /model HTTP/1.1\r\nHost: x\r\n" + b"".join(b"a%d: %b\r\n" % (n, b"x" * 150) for n in range(97))
AHEAD = asking("/explain", BIRD.ljust(60_000)) * 64
UNREAD_PREDICTIONS = asking("/predict", BIRD) * 100_000
UNREAD_ERRORS = b"POST /predict HTTP/1.1\r\nHost: x\r\n\r\n" * 400_000
CHUNKED_BATCH = (
    f"POST {INFER} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    + (b"10000\r\n" + bytes(65_536) + b"\r\n") * 350
)
UNREAD_BATCH = zeros(65_536)  # whose answer, in JSON, is longer than any buffer between
ALL = (
    *(UNFINISHED_BODY,) * 8,
    *(UNFINISHED_HEAD,) * 2,
    *(UNFINISHED_EXPLANATION, UNFINISHED_BATCH, AHEAD, UNREAD_PREDICTIONS, UNREAD_ERRORS),
    *(CHUNKED_BATCH, UNREAD_BATCH, zeros(4_000)),
)


class Crowd:
    """So many connections to this port, which read only what they ask to be known."""

    def __init__(self, port: int, connections: int) -> None:
        self._port = port
        self._left = {}
        for request in islice(cycle(ALL), connections):
            with contextlib.suppress(OSError):
                self._left[self._connect()] = memoryview(request)[:MOST_SENT]

    def _connect(self) -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(5)
        connection.connect(("127.0.0.1", self._port))
        for number in range(16):
            connection.sendall(learned(number))
            connection.recv(65_536)
        connection.setblocking(False)
        return connection

    def push(self, then: Callable[[], None], rounds: int) -> None:
        """Let each client send as much as the service takes, again and again; call `then` after each round."""
        for _ in range(rounds):
            for connection, left in self._left.items():
                with contextlib.suppress(OSError):
                    self._left[connection] = left[connection.send(left[: 1 << 18]) :]
            then()

    def leave(self) -> None:
        """Close all connections at once."""
        for connection in self._left:
            connection.close()
