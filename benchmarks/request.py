"""python -m benchmarks.request: what each part of a request costs on the fast path, without sockets.

One process, one core, a transport that drops what is written. The least of many rounds: what disturbs only adds.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import orjson
import uvloop
from uvicorn.server import ServerState

from app.bundle import load_bundle
from app.fast_path import FastConnection
from app.listening import listen
from app.main import create_app
from app.server import Server
from app.serving import Serving
from app.settings import Settings
from app.telemetry import Telemetry
from benchmarks.machine import heading
from benchmarks.unobserved import Unobserved, logging_all, logging_none
from contract.files import write_atomically
from contract.measurements import MEASUREMENTS, Measurements
from contract.refusal import exit_status

ROUNDS = 60
CALLS = 1_000
BUNDLE = Path("artifacts/bundle")
PAGE = Path("docs/request.md")
BODY = msgspec.json.encode({measurement.name: measurement.example for measurement in MEASUREMENTS})


class Dropped(asyncio.Transport):
    """A transport to nowhere."""

    def write(self, data: object) -> None:
        """Drop it."""

    def is_closing(self) -> bool:
        """Never."""
        return False


def requests(heads: int) -> list[bytes]:
    """Many, with as many different heads, as a client with five headers sends them; each asks about another bird.

    Their bodies are of one length: by that a connection knows a head.
    """
    random = Random(0)  # noqa: S311  # birds, not secrets
    return [request(number % heads, bird(random)) for number in range(CALLS)]


def bird(random: Random) -> bytes:
    """Somewhere among the birds."""
    bill, depth = random.uniform(33, 59), random.uniform(13.5, 21)
    flipper, mass = random.uniform(175, 230), random.uniform(2800, 6200)
    row = f'"bill_length_mm": {bill:.1f}, "bill_depth_mm": {depth:.1f}, "flipper_length_mm": {flipper:.0f}'
    return f'{{{row}, "body_mass_g": {mass:.0f}}}'.encode()


def request(number: int, body: bytes) -> bytes:
    """One, whose head has this number in it."""
    trace = b"traceparent: 00-%032x-%016x-01\r\n" % (number, number)
    lines = b"Host: penguins.example\r\nUser-Agent: field/1.0\r\nContent-Type: application/json\r\n" + trace
    return b"POST /predict HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (lines, len(body), body)


def best(call: Callable[[Any], object], arguments: list[Any]) -> float:
    """Microseconds of one call."""
    least = float("inf")
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for argument in arguments:
            call(argument)
        least = min(least, (time.perf_counter() - begun) / len(arguments))
    return least * 1e6


async def measure() -> dict[str, float]:
    """Microseconds by part."""
    settings = Settings(port=0, host="127.0.0.1", max_requests_per_connection=1 << 60)
    bundle = load_bundle(BUNDLE)
    serving = Serving()
    serving.swap(bundle)
    application = create_app(serving, settings)
    with listen(settings) as listener:
        config = Server(application, listener, settings).config
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT")]

    def connection(telemetry: Telemetry) -> FastConnection:
        made = FastConnection(config, state, {}, asyncio.get_running_loop())
        made.telemetry = telemetry
        made.connection_made(Dropped())
        made.max_lag_seconds = float("inf")
        return made

    silent, counting, logging = Unobserved(settings), logging_none(settings, bundle), logging_all(settings, bundle)
    handler = application.state.wire.operations[b"/predict"].handler
    measurements = msgspec.json.decode(BODY, type=Measurements)
    row = msgspec.structs.astuple(measurements)
    label, probabilities = bundle.library.predict(row)[:2]
    document = {"prediction": label, "species": "Adelie", "probabilities": probabilities}
    await asyncio.sleep(0)  # the loop's clock stands still from here on, so nothing may wait for it
    repeated, new = requests(heads=1), requests(heads=CALLS)
    figures = {
        "decode": best(msgspec.json.Decoder(Measurements).decode, [BODY] * CALLS),
        "the native call": best(bundle.library.predict, [row] * CALLS),
        "encode": best(orjson.dumps, [document] * CALLS),
        "the whole handler": best(handler, [BODY] * CALLS),
        "a request whose head is repeated": best(connection(silent).data_received, repeated),
        "the same with metrics": best(connection(counting).data_received, repeated),
        "the same with metrics and a log line each": best(connection(logging).data_received, repeated),
        "a request whose head is new": best(connection(silent).data_received, new),
        "the same, with metrics": best(connection(counting).data_received, new),
    }
    logging.close()
    return figures


def main() -> None:
    """Write the page and print it. Raises Refusal."""
    rows = [f"| {name} | {microseconds:.2f} |" for name, microseconds in uvloop.run(measure()).items()]
    lines = [
        *heading("Our side of a request", "make bench-request"),
        "One process on the fast path, with a transport that drops what is written, so without the kernel's part and",
        "uvloop's. CPU microseconds, the least of many rounds: what disturbs only adds.",
        "",
        "| part | µs |",
        "| --- | --: |",
        *rows,
        "",
    ]
    write_atomically(PAGE, "\n".join(lines).encode())
    print("\n".join(lines))


if __name__ == "__main__":
    sys.exit(exit_status(main))
