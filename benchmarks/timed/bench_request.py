"""`make bench-request`: what each part of a request costs on the fast path, without sockets.

One process, one core, a transport that drops what is written.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
import uvloop
from pytest_benchmark.fixture import BenchmarkFixture
from uvicorn.server import ServerState

from app.core.answer import Answer
from app.core.operation import Operation
from app.core.settings import Settings
from app.http.connection import Connection
from app.main import create_app
from app.model.serving import Serving
from app.process.listening import listen
from app.process.server import Server
from app.telemetry.described import Described
from app.telemetry.log_lines import JsonLines
from app.telemetry.log_writer import Writer
from app.telemetry.recorder import FLUSH_REQUESTS, Origin, Record, Telemetry
from app.telemetry.request_log import RequestLog
from benchmarks.timed.turns import Turn, alternate, calls_in_a_turn, take
from benchmarks.wire.question import BODY
from score.bundle import Bundle, load_bundle

ROUNDS = 60
BODIES = 1_000
TRIED = 4 * FLUSH_REQUESTS  # calls before the first turn, to know how many a turn has
BIRD = b'{"bill_length_mm": %.1f, "bill_depth_mm": %.1f, "flipper_length_mm": %.0f, "body_mass_g": %.0f}'
HEAD = (
    b"POST /predict HTTP/1.1\r\nHost: penguins.example\r\nUser-Agent: field/1.0\r\n"
    b"Content-Type: application/json\r\n%b\r\nContent-Length: %d\r\n\r\n"
)
PARTS = (
    "decode",
    "the native call",
    "encode",
    "the whole handler",
    "a request, each with a new head",
    "the same with metrics",
    "the same with metrics and a log line each",
)
Part = Callable[[], Any]
Ready = tuple[Part, int]  # and how many calls a turn has


def turns(most_rounds: int | None) -> list[Turn]:
    """Return the turns: each part takes one in every round."""
    return alternate({"request": ROUNDS}, PARTS, most_rounds)


class Dropped(asyncio.Transport):
    """A transport that writes nowhere."""

    def write(self, data: object) -> None:
        """Drop the data."""

    def is_closing(self) -> bool:
        """Return False: it never closes."""
        return False


class Unobserved(Telemetry):
    """Telemetry that does nothing."""

    def answered(
        self, operation: Operation, answer: Answer, seconds: float, record: Record[Origin], source: Origin
    ) -> None:
        """Do nothing."""


def counting(settings: Settings, serving: Serving, bundle: Bundle, *, logs: bool) -> Telemetry:
    """Return telemetry with all counters, and with a log line for every request or for none."""
    made = Telemetry(settings, serving)
    made.metrics.set_model(bundle.version, bundle.contract, bundle.drift_baseline)
    made.log.room = 0  # its budget is spent, which is usual at full speed
    if logs:
        writer = Writer(os.open(os.devnull, os.O_WRONLY))
        made.log = RequestLog(JsonLines("", 0, Described(serving)).line, writer, 1 << 60, json=True)
    return made


def requests() -> list[bytes]:
    """Return a thousand requests with different heads of five headers each, about different birds."""
    random, made = Random(0), []  # noqa: S311  # birds, not secrets
    for number in range(BODIES):
        bird = [random.uniform(*ends) for ends in ((33, 59), (13.5, 21), (175, 230), (2800, 6200))]
        body, trace = BIRD % tuple(bird), b"traceparent: 00-%032x-%016x-01" % (number, number)
        made.append(HEAD % (trace, len(body)) + body)
    return made


async def prepare(artifacts: Path) -> dict[str, Ready]:
    """Return each part, in the order of PARTS; connections need the running loop."""
    settings = Settings(port=0, host="127.0.0.1", max_requests_per_connection=1 << 60)
    bundle, serving = load_bundle(artifacts / "bundle"), Serving()
    serving.swap(bundle)
    assert serving.served is not None
    application = create_app(serving, settings)
    with listen(settings) as listener:
        config = Server(application, listener, settings).config
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT")]
    application.state.http.max_lag_seconds = float("inf")

    def connection(telemetry: Telemetry) -> Part:
        made = Connection(config, server_state=state, app_state={})
        made.telemetry = telemetry
        made.connection_made(Dropped())
        return map(made.data_received, cycle(asked)).__next__

    def again(call: Callable[[Any], Any], argument: object) -> Part:
        return map(call, cycle([argument])).__next__

    inputs = serving.served.answers.inputs
    row = inputs.row(BODY)
    label, probabilities = bundle.library.predict(row)[:2]
    document = {"prediction": label, "species": "Adelie", "probabilities": probabilities}
    metrics, logs = (counting(settings, serving, bundle, logs=logs) for logs in (False, True))
    asked = requests()
    calls = (
        again(inputs.decode, BODY),
        again(bundle.library.predict, row),
        again(orjson.dumps, document),
        again(application.state.http.operations[b"POST", b"/predict"].handler, BODY),
        connection(Unobserved(settings)),
        connection(metrics),
        connection(logs),
    )
    return {part: _ready(call) for part, call in zip(PARTS, calls, strict=True)}


def _ready(call: Part) -> Ready:
    """Return the part with calls for a turn: as often as metrics are flushed, so that all turns have the same work."""
    started = time.perf_counter()
    for _ in range(TRIED):
        call()
    calls = calls_in_a_turn((time.perf_counter() - started) / TRIED)
    return call, -(-calls // FLUSH_REQUESTS) * FLUSH_REQUESTS


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    """Yield the event loop of all turns."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner


@pytest.fixture(scope="module")
def parts(loop: asyncio.Runner, artifacts: Path) -> dict[str, Ready]:
    """Return all parts, ready to be timed."""
    return loop.run(prepare(artifacts))


def bench_request(benchmark: BenchmarkFixture, turn: Turn, loop: asyncio.Runner, parts: dict[str, Ready]) -> None:
    """Take one turn of one part."""

    async def timed() -> None:
        take(benchmark, turn, *parts[turn.contender])

    loop.run(timed())
