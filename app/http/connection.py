"""One HTTP/1.1 connection. docs/wire.md draws its states.

`data_received` answers a plain request for an operation at once. The parser (app/http/parser.py) reads all other
requests; an operation or the application (app/http/asgi.py) answers them. Nothing here raises: the client gets an
answer that names its mistake.
"""

import logging
import time
from asyncio import Transport
from typing import Any

from uvicorn.config import Config

from app.core.answer import Answer
from app.core.operation import JSON_TYPES, prepare, too_large
from app.http import refusals
from app.http.asgi import ApplicationQueue
from app.http.deadlines import ANSWER, BODY, IDLE, LINGER, UNSEEN
from app.http.framing import Refused
from app.http.head import MAX_HEADERS, no_head, plain_head
from app.http.lifetime import ConnectionLifetime
from app.http.parser import Parser
from app.http.request import Request
from app.telemetry.exchange import plain_exchange

PIECE_BYTES = 16_384  # parsed between two checks of the limits
BODY_PIECE_BYTES = 65_536  # within a body
TURN_REQUESTS = 64  # answered on one connection before other connections have their turn
ALWAYS = (b"/health/", b"/v2/health/")  # these paths are answered even under overload

_now = time.monotonic
logger = logging.getLogger("uvicorn.error")


class Connection(ConnectionLifetime):
    """The connection of one client."""

    def __init__(self, config: Config, **uvicorn: Any) -> None:
        super().__init__(config, **uvicorn)
        self.telemetry = self.context.telemetry
        self.application = self.telemetry.watch(config.loaded_app)
        self.plain = self.context.plain  # operations that a plain head may name; empty if every request must be parsed
        self.match = plain_head if self.plain else no_head
        self.parser: Parser | None = None  # made for the first request that is not plain
        self.queue: ApplicationQueue | None = None  # made for the first request that the application answers
        self.requests = 0
        self.refusal: Answer | None = None  # sent when the requests before it are answered

    @property
    def unanswered(self) -> int:
        """Number of requests that the application has not answered."""
        return self.queue.unanswered if self.queue is not None else 0

    @property
    def kept_bytes(self) -> int:
        """Bytes that are kept of unfinished and waiting requests."""
        waiting = self.queue.held_bytes if self.queue is not None else 0
        return waiting + (self.parser.held_bytes if self.parser is not None else 0)

    def close_after_last(self) -> None:
        """Close after the application's last answer, and after the refusal of a later request, if there is one."""
        if self.unanswered and self.queue is not None and self.refusal is None:
            self.queue.close_after_last()

    # What the transport reports

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Parse every request if this connection is beyond the limit."""
        super().connection_made(transport)
        if self.reserved_since is not None:
            self.match = no_head

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop what was asked on this connection."""
        if self.queue is not None:
            self.queue.lost()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Answer a plain request at once. Give everything else to the parser."""
        if self.phase <= IDLE and (found := self.match(data)):
            line, _, length, media_type = found.groups()
            operation = self.plain.get(line)
            end = found.end()
            size = int(length) if length else 0
            if (
                operation is not None
                and len(data) == end + size
                and len(data) <= self.context.max_plain_bytes
                and size <= operation.body.max_bytes
                and media_type in JSON_TYPES.seen
                and not self.unread
                and self.requests < self.context.max_plain_requests
                and (received := _now()) - self.loop.time() <= self.context.max_lag_seconds
            ):
                self.requests += 1
                self.phase, self.entered = IDLE, UNSEEN  # enter(IDLE), without a call
                try:
                    answer = operation.handler(data[end:])
                except Exception as error:  # of any kind: the client gets a 500, the log the traceback
                    logger.error("Exception in a handler", exc_info=error)
                    answer = refusals.FAILED
                body = answer.body
                if answer.headers is self.context.usual_headers:
                    self.transport.write(b"%b%d\r\n\r\n%b" % (self.context.usual_head, len(body), body))
                else:
                    self.respond(answer, keep_alive=True)
                self.telemetry.answered(operation, answer, _now() - received, plain_exchange, (self.client, data[:end]))
                return
        if self.ended:
            self.discard(len(data))
        elif self.unread:
            self.unread += data
            self._count_held()
        else:
            self._read(data)

    def _read(self, data: bytes) -> None:
        """Parse piece by piece. After TURN_REQUESTS requests, leave the rest to a later turn of the event loop."""
        parser = self.parser
        if parser is None:
            parser = self.parser = Parser(self, self.context)
        most = self.requests + TURN_REQUESTS
        if self.phase <= IDLE and len(data) <= 2 and not data.strip(b"\r\n"):
            return  # an empty line before a request is ignored (RFC 9112, 2.2)
        start = 0
        try:
            while start < len(data) and not self.ended:
                if self.requests >= most or self.flow.write_paused:
                    self._read_later(data[start:])
                    break
                end = start + (BODY_PIECE_BYTES if self.phase == BODY else PIECE_BYTES)
                parser.feed(data[start:end])
                start = end
        except Refused as refused:
            self.refuse(refused.answer)
        if (self.phase != IDLE or self.held_bytes) and self._holds_too_much():
            self.refuse(refusals.HELD)
            self._count_held()

    def _read_later(self, data: bytes) -> None:
        self.unread = data
        self.flow.pause_reading()
        if not self.flow.write_paused:  # else resume_writing() calls read_on()
            self.loop.call_soon(self.read_on)

    def read_on(self) -> None:
        """Read on, after other connections had their turn."""
        data, self.unread = self.unread, b""
        if self.transport.is_closing() or self.ended:
            return
        self._read(data)
        self._resume_reading()
        if self.client_ended and not self.unread:
            self.read_to_the_end()

    # What the parser reports

    def read_head(self, request: Request) -> None:
        """Decide who answers a request whose head is complete. Here a 415, 417, 429 or 503 may be the answer."""
        self.requests += 1
        request.received = _now()
        self.discarded = 0
        if self.context.draining or self.requests >= self.context.settings.max_requests_per_connection:
            request.keep_alive = False
        operation = None if self.unanswered else self.context.operations.get((request.method, request.target))
        refusal = None
        if not (operation.always if operation else request.target.startswith(ALWAYS)):
            waiting = 0 if operation else len(self.server_state.tasks) + self.context.queued
            refusal = self.admission(request, waiting)
        if operation is not None and refusal is None:
            timed = self.context.settings.server_timing
            operation, refusal = prepare(operation, dict(request.headers), lambda: request.received, timed=timed)
        if refusal is not None:
            self._turn_away(request, refusal)
        elif operation is None:
            self._ask_application(request)
        else:
            request.operation = operation
            if request.expects:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not self.ended:
            self.enter(BODY)

    def _turn_away(self, request: Request, answer: Answer) -> None:
        """Answer a request without reading its body. The body is discarded.

        If earlier requests wait for their answers, this is the last answer of the connection. Raises Refused then.
        """
        if request.target.startswith(b"/v2"):
            answer = refusals.in_protocol_form(answer)
        if self.unanswered:
            raise Refused(refusals.last(answer))
        request.answered = True
        if request.expects:  # the body may or may not come
            request.keep_alive = False
        self._answer(request, answer)

    def _ask_application(self, request: Request) -> None:
        if self.queue is None:
            self.queue = ApplicationQueue(self, self.application, self.context, self.server_state.tasks)
        if request.method == b"CONNECT":  # what follows is not HTTP
            request.keep_alive = False
        self.queue.ask(request)

    def read_body(self, request: Request, piece: bytes) -> None:
        """Take a piece of the body. Raises Refused if the body is too large."""
        operation = request.operation
        if operation is None:
            if request.answered or self.queue is None or not self.queue.wants_body:
                self.discard(len(piece))
            else:
                self.queue.add(piece)
            return
        request.add(piece)
        if len(request.body) > operation.body.max_bytes:
            raise Refused(too_large(operation))

    def read_end(self, request: Request) -> None:
        """Take the end of a request. An operation answers at once."""
        operation = request.operation
        if operation is not None:
            request.received = _now()
            body, request.body = request.body, b""
            self.enter(IDLE)
            try:
                answer = operation.handler(body)
            except Exception as error:  # of any kind: the client gets a 500, the log the traceback
                logger.error("Exception in a handler", exc_info=error)
                answer = refusals.FAILED
            self._answer(request, answer)
        elif request.answered:
            if not self.ended:
                self.enter(IDLE)
        else:
            assert self.queue is not None
            self.enter(ANSWER if self.unanswered else IDLE)
            self.queue.complete(_now())
            self.ended = self.ended or not request.keep_alive

    # Answers

    def _answer(self, request: Request, answer: Answer) -> None:
        """Write the answer to this request, and report it to telemetry."""
        self.respond(answer, request.keep_alive, request)
        seconds = _now() - request.received
        if request.operation is None:
            self.telemetry.refused(request.exchange(answer, seconds))
        else:
            self.telemetry.answered(request.operation, answer, seconds, Request.exchange, request)

    def refuse(self, answer: Answer | None) -> None:
        """Read no more. Send `answer`, if there is one, after the answers to earlier requests, and close."""
        if self.ended or self.transport.is_closing():
            return
        self.ended = True
        request = self._refused_request()
        asked = self.phase == BODY and request.operation is None and not request.answered
        if request.answered or (asked and self.queue is not None and not self.queue.give_up()):
            answer = None
        request.operation, request.body = None, b""
        del request.headers[MAX_HEADERS:]
        self.enter(ANSWER)
        self.refusal = answer
        if not self.unanswered:
            self._send_refusal(request)

    def _refused_request(self) -> Request:
        """Return the request that is being read, or a new one if no byte of it is read."""
        return (self.parser.request if self.parser else None) or Request(self.client)

    def _send_refusal(self, request: Request) -> None:
        answer, self.refusal = self.refusal, None
        if answer is None:
            self.finish()
        else:
            self.respond(answer, keep_alive=False, request=request)
            self.telemetry.refused(request.exchange(answer, _now() - request.received))

    def application_answered(self) -> None:
        """Go on after an answer of the application: start the next request, or send the refusal that waits."""
        self.server_state.total_requests += 1
        queue = self.queue
        assert queue is not None
        if self.transport.is_closing():
            return
        if self.phase == LINGER:
            queue.drop()
            return
        self._resume_reading()
        started = queue.next()
        if self.held_bytes:
            self._count_held()
        if started or self.unanswered:
            return
        if self.ended:
            self._send_refusal(self._refused_request())
        elif self.phase == ANSWER:
            self.enter(IDLE)
