"""The recorder of requests: it counts and logs them, and with app/telemetry/traces.py makes spans.

There is one object per process. Connections report each answer after it was written; `watch` reports those of the
application. Nothing here raises, waits or changes an answer. The hot path costs two appends and three comparisons; all
other work is done for many requests at once.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.answer import Answer
from app.core.harmless import FAULT, harmless
from app.core.operation import BodyLimit, Operation
from app.core.settings import Settings
from app.metrics.cells import Cells
from app.metrics.exposition import add_up, exposition
from app.metrics.process import age_seconds, figures, workers
from app.metrics.request_counts import KINDS, Metrics
from app.metrics.scrape import listen_for_scrapers
from app.telemetry.described import Described
from app.telemetry.exchange import Exchange
from app.telemetry.log_lines import JsonLines, TextLines
from app.telemetry.log_setup import json_wanted
from app.telemetry.log_writer import Writer
from app.telemetry.request_log import RequestLog

if TYPE_CHECKING:
    from app.model.serving import Serving

FLUSH_REQUESTS = 256  # requests that are counted in one go: about as long as sixteen requests take
STDOUT = 1
STATIC = "/static/"  # the label of all files of the pages: their paths hold a digest, which changes with each version
NO_BODY = BodyLimit(0)  # of an operation that is only recorded
Origin = TypeVar("Origin")
Record = Callable[[Origin, Answer, float], Exchange]
_now = time.monotonic
logger = logging.getLogger("uvicorn.error")


class Telemetry:
    """All telemetry of one process.

    `descriptor` is of the shared memory in which a worker counts, -1 for memory of its own. `routes` are the known
    paths: only they become labels.
    """

    def __init__(self, settings: Settings, serving: "Serving | None" = None, descriptor: int = -1) -> None:
        self.settings = settings
        self.metrics = Metrics(Cells(descriptor))
        json = json_wanted(settings)
        self._described = described = Described(serving)
        project, proxies = settings.google_cloud_project, settings.trusted_proxies
        lines = JsonLines(project, proxies, described) if json else TextLines(described)
        self.log = RequestLog(lines.line, Writer(STDOUT), settings.log_lines_per_second, json=json)
        self.routes: frozenset[str] = frozenset()
        self._waiting = self.metrics.waiting
        self._predictions = self.metrics.predictions
        self._ticks = 0
        self.serving = serving
        self._version: str | None = None

    # Requests

    def answered(
        self, operation: Operation, answer: Answer, seconds: float, record: Record[Origin], origin: Origin
    ) -> None:
        """Record an operation's answer. `record(origin, answer, seconds)` makes the exchange, only if it is logged."""
        try:  # not in a decorator, which would cost a call
            waiting = self._waiting.get(operation.route)
            if waiting is None or answer.status != 200:
                self._unusual(operation, record(origin, answer, seconds))
                return
            waiting.append(seconds)
            if answer.prediction is not None:
                self._predictions.append(answer.prediction)
            if len(waiting) >= FLUSH_REQUESTS:
                self._flush()
            if self.log.room > 0:
                self.log.success(record(origin, answer, seconds))
            else:
                self.log.left_out += 1
        except Exception as error:  # of any kind: connections go on
            logger.error(FAULT, exc_info=error)

    @harmless
    def _flush(self) -> None:
        self._note_model()
        self.metrics.flush()

    def _unusual(self, operation: Operation, exchange: Exchange) -> None:
        """Record the first 200 of an operation, or an answer that is no 200."""
        method = operation.method.decode()
        if exchange.status == 200:
            self.metrics.watch_route(method, operation.route)
        kind = "domain" if exchange.status == 400 else ""
        self._count(method, operation.route, exchange, "stopping" if operation.always else kind)

    @harmless
    def refused(self, exchange: Exchange) -> None:
        """Record a request that was refused before any handler saw it."""
        self._count(exchange.method.decode("latin-1"), self._route(exchange.target), exchange)

    def _count(self, method: str, route: str, exchange: Exchange, kind: str = "") -> None:
        """Count and log one exchange."""
        self.metrics.request(method, route, exchange.status, exchange.seconds)
        if exchange.status >= 400:
            self.metrics.error(kind or KINDS.get(exchange.status, "other"))
        if exchange.answer is not None:
            if exchange.answer.reason:
                self.metrics.rejected(exchange.answer.reason)
            if exchange.prediction is not None:
                self._predictions.append(exchange.prediction)
        self._log(exchange)

    def _log(self, exchange: Exchange) -> None:
        if exchange.status >= 400:
            self.log.error(exchange)
        elif self.log.room > 0:
            self.log.success(exchange)
        else:
            self.log.left_out += 1

    def _route(self, target: bytes) -> str:
        """Return the label of a target."""
        return self._label(target.partition(b"?")[0].decode("latin-1"))

    def _label(self, path: str) -> str:
        """Return the route of a path, or an empty string: a client must not create labels."""
        if path in self.routes:
            return path
        return STATIC if path.startswith(STATIC) else ""

    # Starlette

    def watch(self, application: Any) -> ASGIApp:
        """Return the application, wrapped so that its answers are recorded.

        `scope["state"]` holds `received`, the time of the request's last byte, and `given_up` if the connection has
        already answered the request itself; then nothing is recorded.
        """

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if "given_up" in scope["state"]:
                return
            started: list[Message] = []

            async def note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    started.append(message)
                await send(message)

            try:
                await application(scope, receive, note)
            finally:
                answer: Answer | None = scope.get("answer")
                if "given_up" in scope["state"]:
                    pass
                elif started:
                    size = int(dict(started[0]["headers"]).get(b"content-length", 0))
                    self._responded(scope, started[0]["status"], size)
                elif answer is not None:  # written by the server's extension
                    self._responded(scope, answer.status, len(answer.body))

        return watched

    @harmless
    def _responded(self, scope: Scope, status: int, size: int) -> None:
        path, seconds = scope["path"], _now() - scope["state"]["received"]
        route = self._label(path)
        answer: Answer | None = scope.get("answer")
        origin = scope, status, size
        if status == 200 and route and answer is not None and scope["method"] != "HEAD":  # HEAD is counted one by one
            operation = Operation(scope["method"].encode(), _never_called, NO_BODY, route=route)
            self.answered(operation, answer, seconds, _asgi_exchange, origin)
        else:
            kind = "domain" if status == 400 and path == "/predict" else ""
            self._count(scope["method"], route, _asgi_exchange(origin, answer, seconds), kind)

    # Time

    @harmless
    def tick(self, server: Any) -> None:
        """Do the bulk work. The server calls this ten times a second."""
        self._ticks += 1
        self.log.tick()
        self._flush()
        if self._ticks % 10 == 0:
            self.sample(server)

    def sample(self, server: Any) -> None:
        """Set all gauges to their values now."""
        state = server.server_state
        phases = [getattr(connection, "phase", 0) for connection in state.connections]
        self.metrics.set_connections(phases, len(state.tasks), self._ready(server))
        self.metrics.set_log_lines("written", self.log.writer.written)
        self.metrics.set_log_lines("left_out", self.log.left_out + self.log.errors_left_out)
        self.metrics.set_log_lines("dropped", self.log.writer.dropped)
        if self.serving is not None:
            self._note_model()
            self._sample_bundles(self.serving)

    def _note_model(self) -> None:
        """Start the series of a new model, before its first answers are counted."""
        served = self.serving.served if self.serving else None
        if served is not None and served.version != self._version:
            self._version = served.version
            self.metrics.set_model(served.version, served.contract, served.drift_baseline)

    def _sample_bundles(self, serving: "Serving") -> None:
        for event, tally in serving.outcomes.all().items():
            self.metrics.set_outcome(event.role, event.stage, event.outcome, tally.count)
        for role, followed in serving.outcomes.followed().items():
            self.metrics.set_followed(role, followed)
        self.metrics.set_fallback(serving.fallback)
        if serving.comparison is not None:
            found = serving.comparison()
            if found.champion and found.version:
                self.metrics.set_challenger(found.champion, found.version, found.results())

    def _ready(self, server: Any) -> bool:
        return not server.context.draining and (self.serving is None or self.serving.served is not None)

    @harmless
    def serves(self, server: Any) -> None:
        """Record that the process is ready."""
        self.metrics.set_startup(age_seconds())
        self.sample(server)

    def render(self, server: Any) -> bytes:
        """Return the metrics page of a process without a supervisor."""
        self._flush()
        self.sample(server)
        return exposition(add_up([self.metrics.cells.read(), workers(1, 1, 0), figures()]))

    async def expose(self, server: Any) -> None:
        """Open METRICS_PORT, unless it is 0."""
        if self.settings.metrics_port:
            host, port, tried = self.settings.metrics_host, self.settings.metrics_port, asyncio.Event()
            serving = listen_for_scrapers(host, port, lambda: self.render(server), tried)
            self._port = asyncio.get_running_loop().create_task(serving)
            await tried.wait()

    def close(self) -> None:
        """Write everything that is still pending: the process ends."""
        self._flush()
        self.log.close()


def _never_called(_: object) -> Answer:
    raise NotImplementedError("the application has answered")


def _asgi_exchange(origin: tuple[Scope, int, int], answer: Answer | None, seconds: float) -> Exchange:
    scope, status, size = origin
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
        status=status,
        answer_bytes=size,
        answer=answer,
        prediction=answer.prediction if answer else None,
    )
