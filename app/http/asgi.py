"""The requests of one connection that the application answers: uvicorn's cycles, one at a time and in order."""

import asyncio
import logging
import re
import urllib.parse
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import httptools
from starlette.types import ASGIApp
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.protocols.utils import get_local_addr

from app.core.answer import ANSWER_EXTENSION, Answer
from app.http import refusals
from app.http.context import HttpContext
from app.http.framing import Refused, origin_form
from app.http.request import Request

PIPELINED_REQUESTS = 64  # that may wait for their turn on one connection
ENCODED_SLASH = re.compile(rb"%2[fF]")

logger = logging.getLogger("uvicorn.error")


class QueueConnection(Protocol):
    """What this queue needs of a connection."""

    transport: asyncio.Transport
    flow: FlowControl
    loop: asyncio.AbstractEventLoop

    def respond(self, answer: Answer, keep_alive: bool, request: Request | None = None) -> None:
        """Write an answer."""

    def finish(self) -> None:
        """End the connection: its last answer has been written."""

    def application_answered(self) -> None:
        """Go on: an answer of the application is complete."""


class ApplicationQueue:
    """The requests of one connection that the application answers: the first is under way, the others wait.

    `HttpContext.queued` counts the waiting requests of all connections.
    """

    def __init__(
        self, connection: QueueConnection, application: ASGIApp, context: HttpContext, tasks: set[asyncio.Task[None]]
    ) -> None:
        self.unanswered = 0
        self.held_bytes = 0  # bodies of waiting requests
        self._connection = connection
        self._application = application
        self._context = context
        self._tasks = tasks
        self._server = get_local_addr(connection.transport)
        self._waiting: deque[RequestResponseCycle] = deque()
        self._last: RequestResponseCycle | None = None  # the request that was read last
        self._current: RequestResponseCycle | None = None  # the request that was started last

    def ask(self, request: Request) -> None:
        """Take a request whose body is still to come. Raises Refused."""
        if self.unanswered >= PIPELINED_REQUESTS:
            raise Refused(refusals.PIPELINED)
        scope = self._scope(request)
        cycle = RequestResponseCycle(
            scope=scope,
            transport=ClosingTransport(self._connection),  # type: ignore[arg-type]  # it has what a cycle uses of a transport
            flow=self._connection.flow,
            logger=logger,
            access_logger=logger,
            access_log=False,
            default_headers=self._default_headers(request),
            message_event=asyncio.Event(),
            expect_100_continue=request.expects,
            keep_alive=request.keep_alive,
            on_response=self._answered,
        )
        cycle.transport.cycle = cycle  # type: ignore[attr-defined]
        scope["extensions"] = {ANSWER_EXTENSION: partial(self._write, cycle, request)}
        self._last = cycle
        self.unanswered += 1
        if self.unanswered == 1:
            self._start(cycle)
        else:
            self._connection.flow.pause_reading()
            self._waiting.append(cycle)
            self._context.queued += 1

    def _default_headers(self, request: Request) -> list[tuple[bytes, bytes]]:
        if request.continues and request.keep_alive:
            return [*self._context.defaults, (b"connection", b"keep-alive")]
        return self._context.defaults

    def _scope(self, request: Request) -> Any:  # uvicorn's type is private
        try:
            url = httptools.parse_url(origin_form(request.target))
        except httptools.HttpParserInvalidURLError:
            raise Refused(refusals.TARGET) from None
        path = url.path.decode("ascii")
        if "%" in path and not ENCODED_SLASH.search(url.path):  # "%2F" does not separate segments (RFC 3986, 2.2)
            path = urllib.parse.unquote(path)
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": request.version,
            "method": request.method.decode("ascii"),
            "scheme": "http",
            "path": path,
            "raw_path": url.path,
            "query_string": url.query or b"",
            "root_path": "",
            "headers": request.headers,
            "server": self._server,
            "client": request.client,
            "state": {"received": request.received},
        }

    def _write(self, cycle: RequestResponseCycle, request: Request, answer: Answer) -> bool:
        """Write a whole answer and return True. Return False if the client does not read: then the cycle must wait."""
        if self._connection.flow.write_paused or cycle.disconnected:
            return False
        cycle.response_started = cycle.response_complete = True
        # A client that still waits for 100 may or may not send the body, so the next bytes cannot be interpreted.
        keep_alive = cycle.keep_alive and not cycle.waiting_for_100_continue
        self._connection.respond(answer, keep_alive, request)
        cycle.message_event.set()
        self._answered()
        return True

    def _start(self, cycle: RequestResponseCycle) -> None:
        self._current = cycle
        task = self._connection.loop.create_task(cycle.run_asgi(self._application))  # type: ignore[arg-type]
        task.add_done_callback(self._tasks.discard)
        self._tasks.add(task)

    @property
    def wants_body(self) -> bool:
        """Whether the application still needs the body that is being read."""
        return self._last is not None and not self._last.response_complete

    def add(self, piece: bytes) -> None:
        """Add a piece to the body of the last request."""
        assert self._last is not None
        self._last.body += piece
        if self._waiting:
            self.held_bytes += len(piece)
        if len(self._last.body) > HIGH_WATER_LIMIT:
            self._connection.flow.pause_reading()
        self._last.message_event.set()

    def complete(self, received: float) -> None:
        """Mark the last request as complete. `received` is when, on the monotonic clock."""
        assert self._last is not None
        self._last.scope["state"]["received"] = received
        self._last.more_body = False
        self._last.message_event.set()

    def give_up(self) -> bool:
        """Take back the last request: its body is faulty. Return whether the client still needs an answer."""
        cycle = self._last
        if cycle is None or cycle.response_complete:
            return False
        self.unanswered -= 1
        if self._waiting and self._waiting[-1] is cycle:
            self._waiting.pop()
            self._context.queued -= 1
            self._let_go()
        cycle.disconnected = True
        cycle.waiting_for_100_continue = False
        cycle.message_event.set()
        if not cycle.response_started:
            cycle.scope["state"]["given_up"] = True
        return not cycle.response_started

    def close_after_last(self) -> None:
        """Close the connection after the answer to the last request."""
        if self._last is not None:
            self._last.keep_alive = False

    def drop(self) -> None:
        """Drop all waiting requests."""
        self._context.queued -= len(self._waiting)
        self._waiting.clear()
        self.held_bytes = 0

    def lost(self) -> None:
        """Tell the application that the client is gone."""
        self.drop()
        for cycle in (self._current, self._last):
            if cycle is not None:
                cycle.disconnected = cycle.disconnected or not cycle.response_complete
                cycle.message_event.set()

    def _answered(self) -> None:
        """Go on after a cycle has written its last byte."""
        self.unanswered -= 1
        self._connection.application_answered()

    def next(self) -> bool:
        """Start the next waiting request. Return whether there is one."""
        if not self._waiting:
            return False
        cycle = self._waiting.popleft()
        self._context.queued -= 1
        self._let_go()
        self._start(cycle)
        return True

    def _let_go(self) -> None:
        """Count no bodies as held once no request waits."""
        if not self._waiting:
            self.held_bytes = 0


class ClosingTransport:
    """The transport that a cycle gets. It closes so that the client can still read the last answer."""

    cycle: RequestResponseCycle

    def __init__(self, connection: QueueConnection) -> None:
        self._connection = connection
        self.write: Callable[[bytes], None] = connection.transport.write
        self.is_closing = connection.transport.is_closing

    def close(self) -> None:
        """Close after the cycle's last byte."""
        if self.cycle.response_complete:
            self._connection.finish()
        else:  # the application failed within an answer: it must not look complete
            self._connection.transport.close()
