"""A request as the parser reports it: the head at once, the body piece by piece."""

import time

from app.core.answer import Answer, Headers
from app.core.operation import Operation
from app.telemetry.exchange import Exchange


class Request:
    """One request, made when its first byte arrives."""

    __slots__ = (
        *("answered", "body", "client", "continues", "expects", "headers", "keep_alive", "method", "operation"),
        *("received", "target", "version"),
    )

    def __init__(self, client: tuple[str, int] | None) -> None:
        self.client = client
        self.method = b""
        self.target = b""
        self.version = ""
        self.headers: Headers = []  # names in lower case
        self.keep_alive = True
        self.continues = False  # whether the answer must say "connection: keep-alive" (HTTP/1.0)
        self.expects = False  # whether the client waits for 100 (Continue) before it sends the body
        self.operation: Operation | None = None  # the operation that answers it; None: the application does
        self.body: bytes | bytearray = b""  # for the operation
        self.answered = False  # whether it was answered before its body, which is then discarded
        self.received = time.monotonic()  # when its last piece arrived, or its first until then; monotonic seconds

    def add(self, piece: bytes) -> None:
        """Add a piece to the body. Nearly every body is one piece, which is not copied."""
        if not self.body:
            self.body = piece
        elif isinstance(self.body, bytes):
            self.body = bytearray(self.body + piece)
        else:
            self.body += piece

    def values(self, name: bytes) -> list[bytes]:
        """Return all values of a header. `name` is in lower case."""
        return [value for found, value in self.headers if found == name]

    def exchange(self, answer: Answer, seconds: float) -> Exchange:
        """Return what a log line or a span needs. `seconds` is from the last byte received to the answer."""
        return Exchange(
            ended=time.time(),
            seconds=seconds,
            head=b"",
            method=self.method,
            target=self.target,
            version=self.version,
            headers=self.headers,
            client=self.client,
            status=answer.status,
            answer_bytes=len(answer.body),
            answer=answer,
            prediction=answer.prediction,
        )
