"""A connection that asks one question after the other."""

import contextlib
import socket

from benchmarks.wire.question import answer_length, cloud_request

OK = b"HTTP/1.1 200 "
TIMEOUT = 60.0  # seconds


class Connection:
    """A socket and the request on it, which was `due` at a nanosecond of perf_counter."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.busy, self.due = False, 0
        self._open()

    def _open(self) -> None:
        self._received, self._length = b"", -1  # the length of the last answer
        self.socket = socket.create_connection(("127.0.0.1", self._port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def reopen(self) -> None:
        """Connect again."""
        self.close()
        self._open()

    def send(self, request: bytes, due: int) -> bool:
        """Send a request; return False if the connection is broken."""
        self.busy, self.due = True, due
        with contextlib.suppress(OSError):
            self.socket.sendall(request)
            return True
        return False

    def read(self) -> bytes | None:
        """Return the whole answer; b"" if the server has closed; None if there is more to come."""
        try:
            data = self.socket.recv(65_536)
        except OSError:
            return b""
        if not data or (len(data) == self._length and data.startswith(OK)):
            return data
        self._received += data
        length = answer_length(self._received)
        if length is None or len(self._received) < length:
            return None
        data, self._received, self._length = self._received, b"", length
        return data

    def ask(self) -> bytes:
        """Ask for a prediction and wait for the whole answer. Raises OSError."""
        self.socket.settimeout(TIMEOUT)
        self.socket.sendall(cloud_request(0))
        while (answer := self.read()) is None:
            pass
        if not answer:
            raise ConnectionResetError("the server closed the connection within its answer")
        return answer
