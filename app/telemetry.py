"""What an operator sees of the requests: counted, logged, and traced where that is asked for.

One object a process. Connections report each answer after its write, Starlette's by `watch`. Nothing here raises, waits
or changes an answer. On the hot path: two appends and three comparisons; the rest is done for many requests at once.
"""

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import inference, refusals
from app.answer import Answer
from app.cells import Cells
from app.exchange import Exchange
from app.exposition import add_up, exposition
from app.log_lines import JsonLines, TextLines
from app.log_setup import json_wanted
from app.log_writer import Writer
from app.metrics import KINDS, Metrics
from app.operation import Operation
from app.process import age_seconds, figures
from app.request_log import RequestLog
from app.scrape import listen_for_scrapers
from app.settings import Settings

if TYPE_CHECKING:
    from app.connection import Connection
    from app.serving import Serving

TOGETHER = 256  # requests that are counted at once: for about as long as sixteen requests take
STDOUT = 1
REASONS = {  # by the identity of the answer, which is made once
    id(refusals.OVERLOADED): "overload",
    id(refusals.FULL): "connections",
    id(refusals.PIPELINED): "pipelined",
    id(inference.OVERLOADED): "batches",
}
_now = time.monotonic
logger = logging.getLogger("uvicorn.error")


class Telemetry:
    """`descriptor` is that of the shared memory in which a worker counts; `routes` are the known paths."""

    def __init__(self, settings: Settings, serving: "Serving | None" = None, descriptor: int = -1) -> None:
        self.settings = settings
        self.metrics = Metrics(Cells(descriptor))
        json = json_wanted(settings)
        lines = JsonLines(settings.google_cloud_project, settings.trusted_proxies) if json else TextLines()
        self.log = RequestLog(lines.line, Writer(STDOUT), settings.log_lines_per_second, json=json)
        self.routes: frozenset[str] = frozenset()
        self._waiting = self.metrics.waiting
        self._predictions = self.metrics.predictions
        self._ticks = 0
        self.serving = serving
        self._version: str | None = None

    # Requests

    def answered(self, connection: "Connection", operation: Operation, answer: Answer) -> None:
        """An operation's answer has been written."""
        seconds = _now() - connection.received
        waiting = self._waiting.get(operation.route)
        if waiting is None or answer.status != 200:
            self._unusual(connection, operation, answer, seconds)
            return
        waiting.append(seconds)
        if answer.prediction is not None:
            self._predictions.append(answer.prediction)
        if len(waiting) >= TOGETHER:
            self._flush()
        if self.log.room > 0:
            self.log.success(exchange_of(connection, answer, seconds))
        else:
            self.log.left_out += 1

    def _flush(self) -> None:
        try:
            self.metrics.flush()
        except Exception as error:  # as in tick(): what cannot be counted harms nobody
            logger.error("Exception in telemetry", exc_info=error)

    def _unusual(self, connection: "Connection", operation: Operation, answer: Answer, seconds: float) -> None:
        """The first 200 of an operation, or no 200."""
        route = operation.route or self._route(connection.url)
        method = (operation.method or connection.parser.get_method()).decode("latin-1")
        if operation.route and answer.status == 200:
            self.metrics.watch_route(operation.method.decode(), route)
            self.answered(connection, operation, answer)
            return
        kind = "domain" if answer.status == 400 and operation.route else ""
        self._count(method, route, answer.status, seconds, "stopping" if operation.always else kind)
        self._log(exchange_of(connection, answer, seconds))

    def refused(self, connection: "Connection", answer: Answer) -> None:
        """A request that ends its connection has been told so."""
        seconds = _now() - connection.received
        method = connection.parser.get_method().decode("latin-1") if connection.url else ""
        self.turned_away(answer)
        self._count(method, self._route(connection.url), answer.status, seconds)
        self._log(exchange_of(connection, answer, seconds))

    def turned_away(self, answer: Answer) -> None:
        """This refusal will be given; counted where it is for the number of requests."""
        reason = "rate" if answer.status == 429 else REASONS.get(id(answer))
        if reason is not None:
            self.metrics.rejected(reason)

    def _count(self, method: str, route: str, status: int, seconds: float, kind: str = "") -> None:
        self.metrics.request(method, route, status, seconds)
        if status >= 400:
            self.metrics.error(kind or KINDS.get(status, "other"))

    def _log(self, exchange: Exchange) -> None:
        if exchange.status >= 400:
            self.log.error(exchange)
        elif self.log.room > 0:
            self.log.success(exchange)
        else:
            self.log.left_out += 1

    def _route(self, target: bytes) -> str:
        """One of ours, or nothing: clients must not make up labels."""
        path = target.partition(b"?")[0].decode("latin-1")
        return path if path in self.routes else ""

    # Starlette

    def watch(self, application: Any) -> ASGIApp:
        """The application, whose answers are reported. Its scope says when the last of the request was `received`."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            started: list[Message] = []

            async def note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    started.append(message)
                await send(message)

            try:
                await application(scope, receive, note)
            finally:
                if started:
                    self._responded(scope, started[0])

        return watched

    def _responded(self, scope: Scope, start: Message) -> None:
        status = start["status"]
        seconds = _now() - scope["state"]["received"]
        answer: Answer | None = scope.get("answer")
        if answer is not None:
            self.turned_away(answer)
            if answer.prediction is not None:
                self._predictions.append(answer.prediction)
                if len(self._predictions) >= TOGETHER:
                    self._flush()
        path = scope["path"]
        kind = "domain" if status == 400 and path == "/predict" else ""
        self._count(scope["method"], path if path in self.routes else "", status, seconds, kind)
        self._log(_asgi_exchange(scope, start, seconds))

    # Time

    def tick(self, server: Any) -> None:
        """Ten times a second, by uvicorn's server. A fault in here is logged; it ends no service."""
        try:
            self._tick(server)
        except Exception as error:  # whatever it is, requests are answered
            logger.error("Exception in telemetry", exc_info=error)

    def _tick(self, server: Any) -> None:
        self._ticks += 1
        self.log.tick()
        self._flush()
        if self._ticks % 10 == 0:
            self.sample(server)

    def sample(self, server: Any) -> None:
        """Note what is so at the moment."""
        state = server.server_state
        phases = [getattr(connection, "phase", 0) for connection in state.connections]
        self.metrics.set_connections(phases, len(state.tasks), self._ready(server))
        self.metrics.set_log_lines("written", self.log.writer.written)
        self.metrics.set_log_lines("left_out", self.log.left_out + self.log.errors_left_out)
        self.metrics.set_log_lines("dropped", self.log.writer.dropped)

        if self.serving is not None:
            self._sample_model(self.serving)

    def _sample_model(self, serving: "Serving") -> None:
        served = serving.served
        if served is not None and served.version != self._version:
            self._version = served.version
            self.metrics.set_model(served.version, serving.training.reference if serving.training else None)
        for event, tally in serving.outcomes.all().items():
            self.metrics.set_outcome(event.role, event.stage, event.outcome, tally.count)
        self.metrics.set_fallback(serving.fallback)
        if serving.challenger is not None:
            found = serving.challenger.summary()
            counts = {"agree": found.agreed, "disagree": found.compared - found.agreed}
            for result, count in {**counts, "dropped": found.dropped, "failed": found.failed}.items():
                self.metrics.set_challenger(result, count)

    def _ready(self, server: Any) -> bool:
        return not server.wire.draining and (self.serving is None or self.serving.served is not None)

    @staticmethod
    def seconds_since(connection: "Connection") -> float:
        """Since the last of its request came."""
        return _now() - connection.received

    def serves(self, server: Any) -> None:
        """The process is ready from now on."""
        self.metrics.set_startup(age_seconds())
        self.sample(server)

    def render(self, server: Any) -> bytes:
        """All there is to tell, where this process is the only one."""
        self._flush()
        self.sample(server)
        return exposition(add_up([self.metrics.cells.read(), figures()]))

    async def expose(self, server: Any) -> None:
        """Open the metrics' port, if it is wanted."""
        if self.settings.metrics_port:
            host, port, tried = self.settings.metrics_host, self.settings.metrics_port, asyncio.Event()
            serving = listen_for_scrapers(host, port, lambda: self.render(server), tried)
            self._port = asyncio.get_running_loop().create_task(serving)
            await tried.wait()

    def close(self) -> None:
        """The process ends: write what was noted."""
        self._flush()
        self.log.close()


def exchange_of(connection: "Connection", answer: Answer, seconds: float) -> Exchange:
    """The request at hand and its answer."""
    parser = connection.parser
    seen = bool(connection.url) and not connection.head
    return Exchange(
        ended=time.time(),
        seconds=seconds,
        head=connection.head,
        method=parser.get_method() if seen else b"",
        target=connection.url,
        version=parser.get_http_version() if seen else "",
        headers=connection.headers or [],
        client=connection.client,
        status=answer.status,
        answer_bytes=len(answer.body),
        answer=answer,
        prediction=answer.prediction,
    )


def new_telemetry(settings: Settings, serving: "Serving", descriptor: int) -> Telemetry:
    """With spans where they are wanted; where not, nothing of them is imported. Raises Refusal."""
    if settings.otel_exporter_otlp_endpoint:
        from app.traces import TracedTelemetry

        return TracedTelemetry(settings, serving, descriptor)
    return Telemetry(settings, serving, descriptor)


def _asgi_exchange(scope: Scope, start: Message, seconds: float) -> Exchange:
    answer: Answer | None = scope.get("answer")
    query = scope["query_string"]
    return Exchange(
        ended=time.time(),
        seconds=seconds,
        head=b"",
        method=scope["method"].encode(),
        target=scope["raw_path"] + (b"?" + query if query else b""),
        version=scope["http_version"],
        headers=scope["headers"],
        client=scope["client"],
        status=start["status"],
        answer_bytes=int(dict(start["headers"]).get(b"content-length", 0)),
        answer=answer,
        prediction=answer.prediction if answer else None,
    )
