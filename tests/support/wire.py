"""A raw HTTP/1.1 client: it sends the bytes that it is given, and reads answers strictly, without anyone's parser.

    with Wire(port) as wire:
        wire.send(b"GET /health/live HTTP/1.1\r\n", b"Host: x\r\n\r\n")
        assert wire.response().status == 200

Nothing hangs: what does not come in time fails. Nothing is forgiven: a malformed answer fails.
"""

import re
import socket
import struct
import time
from typing import Any, NamedTuple, Self

import msgspec

SECONDS = 9.0  # bound a hang, and are less than any deadline that a service has by itself (FIRST_BYTE_SECONDS)
RESET = struct.pack("ii", 1, 0)  # for SO_LINGER: a close throws away what was not sent, and resets the connection
PAUSE = 0.0005  # seconds between two pieces: a waiting peer on this machine takes each as a read of its own

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d) ([\t\x20-\x7e\x80-\xff]*)")
_FIELD = re.compile(rb"(" + _TOKEN + rb"):[ \t]*((?:[\x21-\x7e\x80-\xff][\t\x20-\x7e\x80-\xff]*)?)")
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")


class Malformed(AssertionError):
    """The peer sent what is no HTTP/1.1 response."""


class Unanswered(AssertionError):
    """The peer did not answer in time, or closed the connection before it had answered."""


class Response(NamedTuple):
    """A whole response, an interim one too. Names of headers are in lower case."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """Return all values of a header."""
        return [value for other, value in self.headers if other == name]

    @property
    def closes(self) -> bool:
        """Whether the response says that the connection ends with it."""
        options = ",".join(self.values("connection")).lower().split(",")
        return "close" in [option.strip() for option in options]

    @property
    def document(self) -> Any:
        """Return the JSON of the body."""
        return msgspec.json.decode(self.body)


def parse(data: bytes, *, head: bool = False) -> tuple[Response, bytes] | None:
    """The first response in `data` and what follows it, or None where it is not complete. Raises Malformed.

    `head`: it answers a HEAD request, so it has no body whatever its headers say.
    """
    block, complete, rest = data.partition(b"\r\n\r\n")
    if not complete:
        return None
    first, *lines = block.split(b"\r\n")
    status, reason = _status_line(first)
    headers = [_field(line) for line in lines]
    framed = _framed(status, headers, rest, head=head)
    return framed and (Response(status, reason, headers, framed[0]), framed[1])


def parse_all(data: bytes) -> tuple[list[Response], bytes]:
    """Return all responses in `data`, none of them to HEAD, and the rest: part of a response, or nothing."""
    responses = []
    while parsed := parse(data):
        response, data = parsed
        responses.append(response)
    return responses, data


def _status_line(line: bytes) -> tuple[int, str]:
    found = _STATUS_LINE.fullmatch(line)
    if not found:
        raise Malformed(f"no status line: {line[:200]!r}")
    return int(found[1]), found[2].decode("latin-1")


def _field(line: bytes) -> tuple[str, str]:
    found = _FIELD.fullmatch(line)
    if not found:
        raise Malformed(f"no field line: {line[:200]!r}")
    return found[1].decode().lower(), found[2].decode("latin-1").rstrip(" \t")


def _framed(status: int, headers: list[tuple[str, str]], rest: bytes, *, head: bool) -> tuple[bytes, bytes] | None:
    """Return the body and the rest. One header must say how long a body is: it never ends with the connection."""
    framing = [(name, value) for name, value in headers if name in ("content-length", "transfer-encoding")]
    if status < 200 or status == 204:
        if framing:
            raise Malformed(f"{framing} in a {status}")
        return b"", rest
    if len(framing) > 1 or (len(framing) < 1 and not head and status != 304):
        raise Malformed(f"a {status} framed by {framing}")
    for name, value in framing:
        if not re.fullmatch(r"\d+" if name == "content-length" else "chunked", value, re.ASCII):
            raise Malformed(f"{name}: {value!r}")
    if head or status == 304:
        return b"", rest
    name, value = framing[0]
    if name == "transfer-encoding":
        return _dechunked(rest)
    return (rest[: int(value)], rest[int(value) :]) if len(rest) >= int(value) else None


def _dechunked(rest: bytes) -> tuple[bytes, bytes] | None:
    body = b""
    while True:
        digits, complete, rest = rest.partition(b"\r\n")
        if not complete:
            return None
        if not _CHUNK_SIZE.fullmatch(digits):
            raise Malformed(f"chunk size {digits[:40]!r}")
        size = int(digits, 16)
        if len(rest) < size + 2:
            return None
        if rest[size : size + 2] != b"\r\n":
            raise Malformed(f"after a chunk or instead of trailers: {rest[size : size + 2]!r}")
        body, rest = body + rest[:size], rest[size + 2 :]
        if not size:
            return body, rest


class Wire:
    """One connection to a port of this machine. Each call that reads has `seconds`."""

    def __init__(self, port: int, seconds: float = SECONDS, receive_buffer: int | None = None) -> None:
        """`receive_buffer` is how many bytes the kernel may hold that were not read; by default it decides."""
        self.seconds = seconds
        self.unread = b""  # received, and not yet read as a response
        self.ended = False  # the peer has sent all it will
        self.reset = False  # the peer has broken the connection off, so that what it sent may be lost
        self.socket = socket.socket()
        self.socket.settimeout(seconds)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)  # known before it connects
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *pieces: bytes, pause: float = PAUSE) -> None:
        """Send each piece by itself. A peer that stops reading is no failure: it may have answered already."""
        self.socket.settimeout(self.seconds)
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(pause)
            try:
                self.socket.sendall(piece)
            except TimeoutError:
                raise Unanswered(f"the peer did not take {len(piece)} bytes within {self.seconds} s") from None
            except (BrokenPipeError, ConnectionResetError):
                self.reset = True
                return

    def finish(self) -> None:
        """Say that nothing more will be sent, and keep reading."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.reset = True

    def response(self, *, head: bool = False) -> Response:
        """Return the next response."""
        response = self.response_or_end(head=head)
        if response is None:
            raise Unanswered("the peer reset the connection" if self.reset else "the peer closed the connection")
        return response

    def response_or_end(self, *, head: bool = False) -> Response | None:
        """Return the next response, or None if the connection ends before one begins."""
        until = time.monotonic() + self.seconds
        while not (parsed := parse(self.unread, head=head)):
            if not self._receive(until):
                if self.unread:
                    raise Malformed(f"the connection ended within a response: {self.unread[:200]!r}")
                return None
        response, self.unread = parsed
        return response

    def read_all(self) -> bytes:
        """Return what is unread, and all that comes until the peer ends the connection."""
        until = time.monotonic() + self.seconds
        while self._receive(until):
            pass
        data, self.unread = self.unread, b""
        return data

    def quiet(self, seconds: float) -> bool:
        """Whether nothing comes for so long, not even the end of the connection."""
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return not self.unread
        except ConnectionResetError:
            pass
        return False

    def _receive(self, until: float) -> bool:
        """Take in what has come. Return False at the end."""
        if self.ended:
            return False
        self.socket.settimeout(max(until - time.monotonic(), 0.001))
        try:
            data = self.socket.recv(1 << 20)
        except TimeoutError:
            raise Unanswered(f"nothing more within {self.seconds} s after {self.unread[:200]!r}") from None
        except ConnectionResetError:
            self.reset = True
            data = b""
        self.unread += data
        self.ended = not data
        return not self.ended
