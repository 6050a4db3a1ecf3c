"""The life of a connection: admission, deadlines of its phases, limits on what it holds, and its end."""

import fcntl
import termios
import time
from abc import ABC, abstractmethod
from asyncio import AbstractEventLoop, Protocol, Transport, get_running_loop
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.utils import get_remote_addr
from uvicorn.server import ServerState

from app.core.answer import CLOSE, Answer
from app.core.memory import HELD_BYTES, UNCOUNTED_BYTES
from app.http import refusals
from app.http.context import HttpContext
from app.http.deadlines import BODY, FIRST, HEAD, IDLE, LINGER, UNSEEN
from app.http.request import Request

DISCARDED_BYTES = 16_777_216  # read and thrown away, so that the client can read the answer
HELD_SWEEPS = 2  # half a second
RESERVED_CONNECTIONS = 64  # beyond the limit: they get /health or a 503
RESERVED_SECONDS = 1.0  # for a reserved connection to ask and leave
IDLE_SECONDS = 1.0  # an idle connection may then be closed to make room
LAST_REQUEST_SECONDS = 0.5  # a request may still come when the server stops

_now = time.monotonic


class ConnectionLifetime(Protocol, ABC):
    """The base of `Connection`: everything but the reading of requests. The limits are in `HttpContext.settings`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        # Process
        del app_state  # there is no lifespan
        self.context: HttpContext = config.loaded_app.state.http
        self.loop = _loop or get_running_loop()
        self.server_state = server_state

        # Connection
        self.transport: Transport
        self.flow: FlowControl
        self.client: tuple[str, int] | None = None
        self.phase = FIRST
        self.entered = UNSEEN  # when a sweep first found it in its phase
        self.reserved_since: float | None = None  # set if it came beyond the limit on connections
        self.unread = b""  # received bytes that a later turn of the event loop reads
        self.held_bytes = 0  # its part of HttpContext.held_bytes
        self.held_sweeps = 0  # sweeps until it is read again
        self.stuck_since = UNSEEN  # when the client last read some of its answers
        self.unwritten = 0

        # The end
        self.ended = False  # nothing more is read as a request
        self.client_ended = False  # it will send no more
        self.discarded = 0

    def enter(self, phase: int) -> None:
        """Enter a phase. This is the only way, and it starts the deadline."""
        self.phase = phase
        self.entered = UNSEEN

    # Implemented by Connection

    @abstractmethod
    def refuse(self, answer: Answer | None) -> None:
        """Read no more. Send `answer`, if there is one, and close."""

    @abstractmethod
    def read_on(self) -> None:
        """Read the bytes in `unread`."""

    @abstractmethod
    def close_after_last(self) -> None:
        """Close after the last answer."""

    @property
    @abstractmethod
    def unanswered(self) -> int:
        """Number of requests that the application has not answered."""

    @property
    @abstractmethod
    def kept_bytes(self) -> int:
        """Bytes that are kept of unfinished and waiting requests."""

    # What the transport reports

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Accept the connection: as usual, or only for a short answer, or not at all."""
        connections = self.server_state.connections
        connections.add(self)  # type: ignore[arg-type]  # as uvicorn's own
        self.transport = transport
        self.flow = FlowControl(transport)
        self.client = get_remote_addr(transport)
        if not self.context.deadlines.sweeps:
            self.context.deadlines.watch(connections, self.loop)
        beyond = len(connections) - self.context.settings.max_connections
        if beyond > RESERVED_CONNECTIONS:
            transport.abort()
        elif beyond > 0 and not self._make_room():
            self.reserved_since = self.loop.time()

    def _make_room(self) -> bool:
        """Close an idle connection and return True; look for one at most once a sweep."""
        if self.context.full_at_sweep == self.context.deadlines.sweeps:
            return False
        idle_since = self.loop.time() - IDLE_SECONDS
        for other in self.server_state.connections:
            if isinstance(other, ConnectionLifetime) and UNSEEN < other.entered < idle_since and other.close_if_idle():
                return True
        self.context.full_at_sweep = self.context.deadlines.sweeps
        return False

    def pause_writing(self) -> None:
        """Read nothing more from a client that does not read."""
        self.flow.pause_writing()
        self.flow.pause_reading()
        if self._holds_too_much():
            self.transport.abort()

    def resume_writing(self) -> None:
        """Go on with a client that reads again."""
        self.flow.resume_writing()
        self._count_held()
        self.stuck_since = UNSEEN
        if self.unread:
            self.loop.call_soon(self.read_on)
        elif not self.unanswered:
            self._resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back all that the connection held."""
        self.server_state.connections.discard(self)
        self.flow.resume_writing()
        self.context.held_bytes -= self.held_bytes
        self.held_bytes = 0
        self.unread = b""
        if exc is None:
            self.transport.close()

    # Bounds

    def admission(self, request: Request, in_flight: int) -> Answer | None:
        """Return the refusal of this request if the server is overloaded or the client asks too often, else None.

        `in_flight` is the number of requests that wait.
        """
        if self.reserved_since is not None:
            return refusals.FULL
        if in_flight >= self.context.settings.max_in_flight or self._waited_seconds() > self.context.max_lag_seconds:
            self.held_sweeps = HELD_SWEEPS  # do not read a client that ignores Retry-After: refusals cost time, too
            self.flow.pause_reading()
            return refusals.OVERLOADED
        return self.context.rate_refusal(request, self.loop.time())

    def _waited_seconds(self) -> float:
        """Return how long this turn of the event loop has lasted. Loops other than uvloop give 0."""
        return _now() - self.loop.time()

    def _count_held(self) -> None:
        """Update the sum of held bytes: unfinished requests, waiting requests and unread answers."""
        held = self.kept_bytes + len(self.unread)
        if self.flow.write_paused and not self.unanswered:  # else the application waits until the client has read
            held += self.transport.get_write_buffer_size()
        held = max(0, held - UNCOUNTED_BYTES)
        self.context.held_bytes += held - self.held_bytes
        self.held_bytes = held

    def _holds_too_much(self) -> bool:
        """Return whether the limit on held bytes is reached. A small request always has room."""
        self._count_held()
        return self.held_bytes > 0 and self.context.held_bytes > HELD_BYTES

    def discard(self, size: int) -> None:
        """Count bytes that are thrown away; abort the connection if there are too many."""
        self.discarded += size
        if self.discarded > DISCARDED_BYTES:
            self.transport.abort()

    def _resume_reading(self) -> None:
        """Read from the client again, unless something still forbids it."""
        if not (self.unread or self.held_sweeps or self.flow.write_paused):
            self.flow.resume_reading()

    # The end

    def eof_received(self) -> bool:
        """Answer what the client has sent, then close: it will send no more."""
        self.client_ended = True
        return bool(self.unread) or self.read_to_the_end()

    def read_to_the_end(self) -> bool:
        """End after the client's last byte has been read. Return whether answers are still to come."""
        if self.phase in (HEAD, BODY) and not self.ended:
            self.refuse(refusals.ENDED_EARLY)
        self.ended = True
        self.close_after_last()
        if not self.unanswered and self.phase != LINGER:
            self.transport.close()
        return self.unanswered > 0

    def respond(self, answer: Answer, keep_alive: bool, request: Request | None = None) -> None:
        """Write an answer. Close the connection if the answer or `keep_alive` says so. A plain request is None."""
        head, end = self.context.head(answer), b"%d\r\n\r\n" % len(answer.body)
        if answer.status != 200 and CLOSE in answer.headers:
            keep_alive = False
        elif not keep_alive:
            end = b"%d\r\nconnection: close\r\n\r\n" % len(answer.body)
        elif request is not None and request.continues:
            end = b"%d\r\nconnection: keep-alive\r\n\r\n" % len(answer.body)
        self.transport.write(
            head + end if request is not None and request.method == b"HEAD" else head + end + answer.body
        )
        if not keep_alive:
            self.finish()

    def finish(self) -> None:
        """End after the last answer. Read on for a while, so that a reset does not destroy the answer at the client."""
        self.ended = True
        if self.transport.is_closing() or self.phase == LINGER:
            return
        self.enter(LINGER)
        self.flow.resume_reading()
        if self.transport.can_write_eof() and not self.client_ended:
            self.transport.write_eof()
        else:
            self.transport.close()

    def expire(self) -> None:
        """End a phase that has lasted too long."""
        if self.phase in (HEAD, BODY):
            self.refuse(refusals.TOO_SLOW)
        elif self.phase == LINGER and self.transport.get_write_buffer_size():
            self.entered = UNSEEN  # the client still reads; look_after() ends one that does not
        elif self.phase == LINGER:
            self.transport.abort()
        else:
            self.transport.close()

    def look_after(self, now: float) -> None:
        """Do the work of a sweep: read from a held client again; end a client that does not read or stays too long."""
        if self.reserved_since is not None and now - self.reserved_since > RESERVED_SECONDS:
            self.transport.abort()
        if self.held_sweeps:
            self.held_sweeps -= 1
            self._resume_reading()
        if self.flow.write_paused:
            unwritten = self.transport.get_write_buffer_size()
            if self.stuck_since == UNSEEN or unwritten < self.unwritten:
                self.stuck_since = now
            elif now - self.stuck_since > self.context.settings.write_seconds:
                self.transport.abort()
            self.unwritten = unwritten

    def shutdown(self) -> None:
        """Answer all requests, then close: the server stops."""
        self.close_after_last()
        self.loop.call_later(LAST_REQUEST_SECONDS, self.close_if_idle)

    def close_if_idle(self) -> bool:
        """Close if no request is under way or waits in the kernel. Return whether it did."""
        if self.phase > IDLE or self.unread or self.transport.is_closing() or self._unreceived():
            return False
        self.transport.close()
        return True

    def _unreceived(self) -> bool:
        unread = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.FIONREAD, b"\0\0\0\0")
        return unread != b"\0\0\0\0"
