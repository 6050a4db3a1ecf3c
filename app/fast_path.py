"""The fast path: operations that never wait are answered when the parser reports the end of their request.

No task, no scope, no messages: a fifth of what the same answer costs through Starlette. A client that repeats a head
word for word on its connection is not even parsed again: the same bytes mean the same. Every other request goes to the
application unchanged. Without this file (`FAST_PATH=0`) the same functions answer by their routes: only speed is lost.
"""

import time
from typing import Any, NamedTuple

from app.connection import Connection
from app.deadlines import FIRST, IDLE, UNSEEN
from app.framing import UNUSUAL, Refused
from app.operation import Operation, too_large, unsupported
from app.receipt import asked
from app.wire import KnownValues

HEADS = 16  # of different requests that a connection knows, and after as many in vain it learns no more
END_OF_HEAD = b"\r\n\r\n"

JSON_TYPES = KnownValues(lambda value: unsupported(value, None) is None)
JSON_TYPES.seen.add(None)
_now = time.monotonic


class Known(NamedTuple):
    """A head that was parsed, found in order and admitted: what it asks for, and how many bytes it has."""

    head: bytes
    size: int
    operation: Operation


class FastConnection(Connection):
    """A connection that answers `Wire.operations` itself."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # uvicorn's
        super().__init__(*arguments, **named)
        self.max_lag_seconds = self.wire.max_lag_seconds
        self.repeats_until = self.settings.max_requests_per_connection - 1
        self.known: dict[int, Known] = {}  # by the size of head and body: at most one head fits
        self.chances = 0 if self.wire.buckets or self.access_log else HEADS
        self.learn: tuple[Operation, int] | None = None  # the request at hand, and its Content-Length

    def data_received(self, data: bytes) -> None:
        """Answer at once a request whose head is known; the parser, between two requests, need not see it."""
        known = self.known.get(len(data))
        if (
            known is not None
            and self.phase == IDLE
            and data.startswith(known.head)
            and self.requests < self.repeats_until
            and not self.wire.draining
            and (now := _now()) - self.loop.time() <= self.max_lag_seconds
        ):
            self.received = now
            self.head = known.head
            self.requests += 1
            self.entered = UNSEEN
            self.chances = HEADS
            self.answer(known.operation, data[known.size :])
        elif self.chances and (self.phase == IDLE or self.phase == FIRST):  # twice as fast as a set
            self.learn = None
            before = self.requests
            super().data_received(data)
            if self.learn is not None and self.requests == before + 1:
                self._learn(data, *self.learn)
        else:
            super().data_received(data)

    def _learn(self, data: bytes, operation: Operation, length: int) -> None:
        """Know this head from now on, where `data` was exactly one request."""
        self.chances -= 1
        size = data.find(END_OF_HEAD) + len(END_OF_HEAD)
        if self.phase == IDLE and size + length == len(data):
            if len(self.known) == HEADS:
                self.known.clear()
            self.known[len(data)] = Known(data[:size], size, operation)

    def choose(self, fields: dict[bytes, bytes]) -> None:
        """Whether an operation is asked for, by exactly its method and path, and is admitted."""
        operation = self.wire.operations.get(self.url)
        if operation is None or self.unanswered or self.parser.get_method() != operation.method:
            return
        if operation.json:
            content_type = fields.get(b"content-type")
            plain = content_type in JSON_TYPES.seen or JSON_TYPES.check(content_type or b"")
            if not plain or b"content-encoding" in fields:
                refusal = unsupported(content_type, fields.get(b"content-encoding"))
                if refusal is not None:
                    self.operation = self.refusing(refusal)
                    return
        if operation.receipt is not None and (self.settings.server_timing or asked(fields)):
            operation = operation._replace(handler=operation.receipt(lambda: self.received))
        length = int(fields.get(b"content-length", 0))
        if length > operation.max_body_bytes:
            raise Refused(too_large(operation.max_body_bytes))
        self.operation = operation
        if self.chances and self.keep_alive and UNUSUAL.isdisjoint(fields):
            self.learn = operation, length
        if not operation.always and (
            self.reserved_since is not None
            or self.wire.buckets is not None
            or _now() - self.loop.time() > self.max_lag_seconds  # uvloop's clock stands still for a turn
        ):
            self.learn = None
            self.admit()
