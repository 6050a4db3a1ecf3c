"""A connection that keeps to HTTP/1.1 and to bounds, whatever its client does: uvicorn's own, with what it lacks.

uvicorn parses with llhttp and runs the application. This class adds deadlines, bounds, what RFC 9112 wants refused,
answers in order even where a later request is faulty, and answers that need no application (`operation`): refusals
here, predictions in `fast_path`.
"""

import fcntl
import logging
import termios
import time
from asyncio import AbstractEventLoop, Transport
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from app import refusals
from app.admission import client_key
from app.answer import CLOSE, Answer
from app.deadlines import ANSWER, BODY, FIRST, HEAD, IDLE, LINGER, UNSEEN
from app.framing import FRAMING, HOSTS, UNUSUAL, Refused, examine, new_parser, origin_form, parse_failure, resume_body
from app.operation import Operation, too_large
from app.wire import Wire

FEED_BYTES = 16_384  # of heads at once, so that their size is known while they are read
DISCARDED_BYTES = 16_777_216  # that are read after a last answer, or of a body nobody wants, so that it can be read
PIPELINED_REQUESTS = 64  # that may wait for their turn on one connection
RESERVED_CONNECTIONS = 64  # beyond the bound, to answer /health and to say 503
RESERVED_SECONDS = 1.0  # for one of those to ask and leave
IDLE_SECONDS = 1.0  # after which a connection may be closed to make room for another
HELD_SWEEPS = 2  # of app/deadlines.py: half a second

LAST_REQUEST_SECONDS = 0.1  # in which a request may still come when the server stops
ALWAYS = (b"/health/", b"/v2/health/")  # paths that are answered under overload, too

logger = logging.getLogger("uvicorn.error")


class Connection(HttpToolsProtocol):
    """One client's connection. Its bounds are `Wire.settings`; faults of the client are answered, never raised."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.wire: Wire = config.loaded_app.state.wire
        self.settings = self.wire.settings
        self.telemetry = self.wire.telemetry
        self.app = self.telemetry.watch(self.app)

        # Per connection
        self.phase = FIRST
        self.entered = UNSEEN
        self.reserved_since: float | None = None  # for who came beyond the bound on connections
        self.requests = 0
        self.unanswered = 0  # requests that the application has
        self.ended = False  # nothing more is read as a request
        self.client_ended = False  # it will send no more
        self.refusal: Answer | None = None  # sent when the requests before it are answered
        self.fed = 0  # bytes of the piece that is being parsed
        self.head_bytes = 0  # of the pieces before it, of an unfinished head or chunk header, or of trailers; below 0
        # where the head began in this piece
        self.progress = True  # whether the piece held any of a body
        self.discarded = 0
        self.held = 0  # sweeps until it is read again
        self.stuck_since = UNSEEN  # when the client was last seen to read what waits for it
        self.unwritten = 0

        # Per request
        self.received = 0.0  # the last of it, by time.monotonic
        self.head = b""  # where the parser has not seen it
        self.url = b""
        self.operation: Operation | None = None  # answers without the application
        self.body: bytes | bytearray = b""
        self.keep_alive = True
        self.body_skipped: tuple[bytes, bytes] | None = None  # the framing of a body that the parser left unread
        self.bodiless = False  # a refusal of HEAD

    # What the transport reports

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Within the bound, or reserved for a short answer, or not at all."""
        super().connection_made(transport)
        if not self.wire.deadlines.sweeps:
            self.wire.deadlines.watch(self.connections, self.loop)
        beyond = len(self.connections) - self.settings.max_connections
        if beyond > RESERVED_CONNECTIONS:
            transport.abort()
        elif beyond > 0 and not self._make_room():
            self.reserved_since = self.loop.time()

    def _make_room(self) -> bool:
        """Close a connection that has been idle, if there is one; look for it once a sweep at most."""
        if self.wire.full_at_sweep == self.wire.deadlines.sweeps:
            return False
        idle_since = self.loop.time() - IDLE_SECONDS
        for other in self.connections:
            if isinstance(other, Connection) and UNSEEN < other.entered < idle_since and other.close_if_idle():
                return True
        self.wire.full_at_sweep = self.wire.deadlines.sweeps
        return False

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls the methods below. What it does not like ends the connection."""
        if self.ended:
            self._discard(len(data))
            return
        self.received = time.monotonic()
        before = self.requests
        if self.phase == IDLE or self.phase == FIRST:  # twice as fast as a set
            self.phase = HEAD
            self.entered = UNSEEN
            self.head_bytes = 0
            self.url = self.head = b""
        elif self.phase == BODY:
            self.progress = False
            before = -1
        else:
            self.head_bytes += self.fed
            before = -1
        self.fed = len(data)
        if self.fed > FEED_BYTES and self.phase != BODY:
            self._feed_slices(data)
            return
        rest: bytes | None = data
        while rest and not self.ended:
            rest = self._feed(rest, before)
        if self.head_bytes > 0 or not self.progress:
            self._check_overhead()

    def _feed_slices(self, data: bytes) -> None:
        self.fed = 0
        for start in range(0, len(data), FEED_BYTES):
            self.data_received(data[start : start + FEED_BYTES])

    def _feed(self, data: bytes, before: int) -> bytes | None:
        """Returns what the parser left: after an Upgrade, which is ignored, a new one goes on with it."""
        parsed = None
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            parsed = upgrade.args[0]
        except httptools.HttpParserError as error:
            self._parse_failed(error, data if self.requests == before else b"")
        if parsed is None:
            return None
        self.parser = resume_body(self, self.body_skipped) if self.body_skipped else new_parser(self)
        self.body_skipped = None
        return data[parsed:]

    def _parse_failed(self, error: httptools.HttpParserError, start: bytes) -> None:
        cause = error.__context__
        if isinstance(cause, Refused):
            self._refuse(cause.answer)
            return
        answer = parse_failure(error, start)
        if answer is None:
            logger.error("Exception in a parser's callback", exc_info=cause)
        self._refuse(answer or refusals.FAILED)

    def _check_overhead(self) -> None:
        """A head, a chunk's header or trailers that go on and on are refused before they end."""
        if self.phase == BODY and not self.progress:
            self.head_bytes += self.fed
        most = self.settings.max_header_bytes + self.settings.max_request_line_bytes
        if self.phase in (HEAD, BODY) and self.head_bytes + self.fed > most:
            self._refuse(self.wire.headers_too_large if self.url else self.wire.request_line_too_long)

    def eof_received(self) -> bool | None:  # type: ignore[override]  # uvicorn closes at once
        """The client will send no more: answer what it has sent, then close."""
        if self.phase in (HEAD, BODY) and not self.ended:
            self._refuse(refusals.ENDED_EARLY)
        self.ended = self.client_ended = True
        if not self.unanswered:
            return None
        self.cycle.keep_alive = False
        return True

    def pause_writing(self) -> None:
        """The client does not read: read nothing more from it."""
        super().pause_writing()
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        self.stuck_since = UNSEEN
        if not self.unanswered:
            self.flow.resume_reading()

    # What the parser reports

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        if self.ended:
            raise Refused(None)
        self.url = b""
        self.head = b""
        self.headers = []
        self.phase = HEAD
        self.entered = UNSEEN
        self.head_bytes = -self.fed  # where in this piece it began is not known

    def on_url(self, url: bytes) -> None:
        """The target, or a piece of it."""
        self.url += url
        if len(self.url) > self.settings.max_request_line_bytes:
            raise Refused(self.wire.request_line_too_long)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; or a trailer, which is ignored."""
        if self.phase == HEAD:
            self.headers.append((name.lower(), value))
        else:
            self._discard(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """The end of the head: who answers?"""
        fields = dict(self.headers)
        self.requests += 1
        self.keep_alive = self.parser.should_keep_alive()
        if (
            not self.keep_alive
            or len(fields) != len(self.headers)
            or fields.get(b"host") not in HOSTS.seen
            or not UNUSUAL.isdisjoint(fields)
            or self.head_bytes >= 0
            or self.fed > self.settings.max_header_bytes
        ):
            self._examine()
        if self.wire.draining or self.requests >= self.settings.max_requests_per_connection:
            self.keep_alive = False
        self.choose(fields)
        if self.operation is None and not self.unanswered and not self.url.startswith(ALWAYS):
            self.admit(len(self.tasks))
        if self.operation is None:
            self._ask_application()
        elif self.expect_100_continue:
            self.expect_100_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.phase = BODY
        self.entered = UNSEEN

    def _examine(self) -> None:
        version = self.parser.get_http_version()
        self.discarded = 0
        if sum(len(name) + len(value) + 4 for name, value in self.headers) > self.settings.max_header_bytes:
            raise Refused(self.wire.headers_too_large)
        self.expect_100_continue = examine(version, self.headers)
        self.keep_alive = self.keep_alive and version == "1.1"
        if self.parser.should_upgrade():
            framed = [header for header in self.headers if header[0] in FRAMING and header[1].strip(b"0")]
            self.body_skipped = framed[0] if framed else None

    def choose(self, fields: dict[bytes, bytes]) -> None:
        """Set `operation` where this request needs no application, which here none does."""

    def admit(self, in_flight: int = 0) -> None:
        """Let `operation` be what refuses this request where there is more to do than can be done in time."""
        answer = None
        if self.reserved_since is not None:
            answer = refusals.FULL
        elif in_flight >= self.settings.max_in_flight or self._waited_seconds() > self.wire.max_lag_seconds:
            answer = refusals.OVERLOADED
            self.held = HELD_SWEEPS  # who does not wait as told is not heard for a while: refusing costs, too
            self.flow.pause_reading()
        elif self.wire.buckets is not None:
            forwarded_for = b",".join([value for name, value in self.headers if name == b"x-forwarded-for"])
            client = client_key(self.client[0] if self.client else "", forwarded_for, self.settings.trusted_proxies)
            if wait := self.wire.buckets.wait(client, self.loop.time()):
                answer = refusals.too_many_requests(wait)
        if answer is not None:
            self.operation = self.refusing(answer)

    def _waited_seconds(self) -> float:
        """How long this turn of the event loop has gone on: uvloop takes the time once a turn, other loops show 0."""
        return time.monotonic() - self.loop.time()

    def refusing(self, answer: Answer) -> Operation:
        """What gives this answer to the request at hand, in the form of its protocol."""
        self.telemetry.turned_away(answer)
        if self.url.startswith(b"/v2"):
            answer = refusals.in_protocol_form(answer)
        self.bodiless = self.parser.get_method() == b"HEAD"
        return Operation(b"", lambda _: answer, self.settings.max_body_bytes)

    def on_chunk_header(self) -> None:
        """The end of a chunk's header."""
        self.progress = True
        self.head_bytes = 0

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self.progress = True
        operation = self.operation
        if operation is None:
            if self.unanswered:
                super().on_body(body)
            else:  # answered without it
                self._discard(len(body))
            return
        if not self.body:
            self.body = body
        elif isinstance(self.body, bytes):
            self.body = bytearray(self.body + body)
        else:
            self.body += body
        if len(self.body) > operation.max_body_bytes:
            raise Refused(too_large(operation.max_body_bytes))

    def on_message_complete(self) -> None:
        """The end of a request: an operation answers at once."""
        if self.body_skipped:
            return
        operation = self.operation
        if operation is None:
            self.phase = ANSWER if self.unanswered else IDLE
            self.entered = UNSEEN
            self.cycle.scope["state"]["received"] = self.received
            self.ended = self.ended or not self.keep_alive
            super().on_message_complete()
            return
        body = self.body
        self.operation = None
        self.body = b""
        self.phase = IDLE
        self.entered = UNSEEN
        self.answer(operation, body)

    # Answers without the application

    def answer(self, operation: Operation, body: bytes | bytearray) -> None:
        """What the operation says to this body."""
        try:
            answer = operation.handler(body)
        except Exception as error:  # whatever it is, the client is told and the log says why
            logger.error("Exception in a handler", exc_info=error)
            answer = refusals.FAILED
        self.respond(answer)
        self.telemetry.answered(self, operation, answer)

    def respond(self, answer: Answer) -> None:
        """Write an answer; close where the request or the answer says so."""
        status, headers, body = answer.status, answer.headers, answer.body
        head = self.wire.head(answer, self.server_state.default_headers)
        if self.bodiless:
            body = b""
            self.bodiless = False
        if status != 200 and CLOSE in headers:
            self.keep_alive = False
            self.transport.write(b"%b%d\r\n\r\n%b" % (head, len(answer.body), body))
        elif self.keep_alive:
            self.transport.write(b"%b%d\r\n\r\n%b" % (head, len(answer.body), body))
        else:
            self.transport.write(b"%b%d\r\nconnection: close\r\n\r\n%b" % (head, len(answer.body), body))
        self.server_state.total_requests += 1
        if self.access_log:
            self._log_access(status)
        if not self.keep_alive:
            self.finish()

    def _log_access(self, status: int) -> None:
        method = self.parser.get_method().decode()
        client = ":".join(map(str, self.client or ()))
        version = self.parser.get_http_version()
        self.access_logger.info('%s - "%s %s HTTP/%s" %d', client, method, self.url.decode(), version, status)

    def _refuse(self, answer: Answer | None) -> None:
        """Read no more; send `answer`, if any, after those of the requests before, and close."""
        if self.ended or self.transport.is_closing():
            return
        self.ended = True
        if self.phase == BODY and self.operation is None:
            answer = self._give_up_unfinished(answer)
        self.operation = None
        self.phase = ANSWER
        self.entered = UNSEEN
        self.refusal = answer
        if not self.unanswered:
            self._send_refusal()

    def _give_up_unfinished(self, answer: Answer | None) -> Answer | None:
        """Take from the application the request whose body can't be read. Returns the answer left to send, if any."""
        cycle = self.cycle
        if cycle.response_complete:  # it was answered without its body
            return None
        self.unanswered -= 1
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
        cycle.disconnected = True
        cycle.message_event.set()
        return None if cycle.response_started else answer

    def _send_refusal(self) -> None:
        answer, self.refusal = self.refusal, None
        self.keep_alive = False
        self.bodiless = self.parser.get_method() == b"HEAD"
        if answer is None:
            self.finish()
        else:
            self.respond(answer)
            self.telemetry.refused(self, answer)

    def finish(self) -> None:
        """After the last answer: say so, and read on for a while, so that a reset does not take it from the client."""
        self.ended = True
        if self.transport.is_closing() or self.phase == LINGER:
            return
        self.phase = LINGER
        self.entered = UNSEEN
        self.flow.resume_reading()
        if self.transport.can_write_eof() and not self.client_ended:
            self.transport.write_eof()
        else:
            self.transport.close()

    def _discard(self, size: int) -> None:
        self.discarded += size
        if self.discarded > DISCARDED_BYTES:
            self.transport.abort()

    # Answers of the application

    def _ask_application(self) -> None:
        """Hand the request over as uvicorn would have."""
        if self.unanswered >= PIPELINED_REQUESTS:
            raise Refused(refusals.PIPELINED)
        url, headers, expects = origin_form(self.url), self.headers, self.expect_100_continue
        self.discarded = 0
        super().on_message_begin()
        self.url = url
        self.headers.extend(headers)
        self.expect_100_continue = expects
        super().on_headers_complete()
        self.expect_100_continue = False
        self.unanswered += 1
        self.cycle.keep_alive = self.keep_alive
        self.cycle.scope["state"]["received"] = self.received
        self.cycle.transport = Closing(self, self.cycle)  # type: ignore[assignment]  # what a cycle uses of a transport

    def on_response_complete(self) -> None:
        """The application has answered: who is next?"""
        self.server_state.total_requests += 1
        self.unanswered -= 1
        if self.transport.is_closing():
            return
        if self.phase == LINGER:
            self.pipeline.clear()
            return
        if not self.flow.write_paused:
            self.flow.resume_reading()
        if self.pipeline:
            cycle, application = self.pipeline.pop()
            self._start_asgi_task(cycle, application)
        elif self.unanswered:
            return
        elif self.ended:
            self._send_refusal()
        elif self.phase == ANSWER:
            self.phase = IDLE
            self.entered = UNSEEN

    # Time

    def expire(self) -> None:
        """Its phase has lasted too long."""
        if self.phase in (HEAD, BODY):
            self._refuse(refusals.TOO_SLOW)
        elif self.phase == LINGER and self.transport.get_write_buffer_size():
            self.entered = UNSEEN  # the client still reads; else look_after() ends it
        elif self.phase == LINGER:
            self.transport.abort()
        else:
            self.transport.close()

    def look_after(self, now: float) -> None:
        """Let a held connection be read again; end one whose client reads nothing, or whose time was short."""
        if self.reserved_since is not None and now - self.reserved_since > RESERVED_SECONDS:
            self.transport.abort()
        if self.held:
            self.held -= 1
            if not self.held and not self.flow.write_paused:
                self.flow.resume_reading()
        if self.flow.write_paused:
            unwritten = self.transport.get_write_buffer_size()
            if self.stuck_since == UNSEEN or unwritten < self.unwritten:
                self.stuck_since = now
            elif now - self.stuck_since > self.settings.write_seconds:
                self.transport.abort()
            self.unwritten = unwritten

    def shutdown(self) -> None:
        """The server stops: answer what was asked, then close."""
        if self.unanswered:
            self.cycle.keep_alive = False
        self.loop.call_later(LAST_REQUEST_SECONDS, self.close_if_idle)

    def close_if_idle(self) -> bool:
        """Close where no request is under way, nor waits in the kernel. Returns whether it did."""
        if self.phase not in (IDLE, FIRST) or self.transport.is_closing() or self._unread():
            return False
        self.transport.close()
        return True

    def _unread(self) -> bool:
        unread = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.FIONREAD, b"\0\0\0\0")
        return unread != b"\0\0\0\0"


class Closing:
    """A cycle's transport, which closes as a connection does: the client gets to read the last answer."""

    def __init__(self, connection: Connection, cycle: RequestResponseCycle) -> None:
        self._connection = connection
        self._cycle = cycle
        self.write = connection.transport.write
        self.is_closing = connection.transport.is_closing

    def close(self) -> None:
        """Called by the cycle after its last byte, when nothing shall follow."""
        if self._cycle.response_complete:
            self._connection.finish()
        else:  # it failed in the middle of an answer, which must not look whole
            self._connection.transport.close()
