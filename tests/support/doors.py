"""Both doors in one process: the same bytes, fed to a connection that answers itself and to one that never does.

What is written is kept. `python -m tests.support.doors [CASES] [SEED]` feeds made-up requests to both and compares
them. Every fiftieth case is also sent through sockets to two processes.
"""

import asyncio
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import uvloop
from starlette.applications import Starlette
from uvicorn.server import ServerState

from app.core.settings import Settings
from app.http import refusals
from app.http.connection import Connection
from app.main import create_app
from app.model.serving import Serving
from app.process.listening import listen
from app.process.server import Server
from score.bundle import load_bundle
from tests.support.service import serving
from tests.support.streams import stream
from tests.support.wire import Malformed, Wire, parse_all

BUNDLE = Path("artifacts/bundle")
CASES = 100_000
HONEST = {501, 503, 505}  # above 499, which no fault of ours gives
BROKEN = {(answer.status, body) for answer in (refusals.ENDED_EARLY, refusals.MALFORMED) for body in (answer.body, b"")}
STATUSES = re.compile(rb"HTTP/1\.1 (\d\d\d) ")
TURNS = 10_000  # of the event loop, in which everything is answered


class Kept(asyncio.Transport):
    """A transport whose client reads everything at once."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 4711), "sockname": ("192.0.2.2", 8080)})
        self.written = bytearray()
        self.reading = True
        self.ended = self.closed = False

    def write(self, data: Any) -> None:
        assert not self.ended, "written after the end"
        self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.ended = self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return 0


class Told(NamedTuple):
    """What a client was answered, whether the connection was ended, and what was left over."""

    answers: list[tuple[int, bytes]]
    ended: bool
    rest: bytes


def told(pieces: list[bytes], written: bytes, *, ended: bool) -> Told:
    """Return what was answered to these pieces; 100 (Continue) may come or not."""
    if b"HEAD " in b"".join(pieces):  # which answers have no body cannot be seen here
        statuses = [int(status) for status in STATUSES.findall(written)]
        return Told([(status, b"") for status in statuses if status >= 200], ended, b"")
    answers, rest = parse_all(written)
    return Told([(answer.status, answer.body) for answer in answers if answer.status >= 200], ended, rest)


class Door:
    """A service in this process, with the fast path or without it."""

    def __init__(self, bundle: Path, *, fast: bool) -> None:
        settings = Settings(port=0, host="127.0.0.1", fast_path=fast, metrics_port=0, log_lines_per_second=0)
        serving = Serving()
        serving.swap(load_bundle(bundle))
        self.application: Starlette = create_app(serving, settings)
        with listen(settings) as listener:
            self._config = Server(self.application, listener, settings).config
        self._config.load()
        self._state = ServerState()
        self.application.state.http.max_lag_seconds = float("inf")  # the clock of the loop stands still here

    def connect(self, transport: Kept) -> Connection:
        """Return a connection that writes to this transport."""
        connection = Connection(self._config, server_state=self._state, app_state={})
        connection.connection_made(transport)
        return connection

    async def told(self, pieces: list[bytes]) -> Told:
        """Send these pieces, then nothing more."""
        transport = Kept()
        connection = self.connect(transport)
        for piece in pieces:
            for _ in range(TURNS):
                if transport.reading or transport.ended:
                    break
                await asyncio.sleep(0)
            if not transport.closed:
                connection.data_received(piece)
        if not transport.closed and not connection.eof_received():
            transport.close()
        for _ in range(TURNS):
            if transport.ended and not self._state.tasks:
                break
            await asyncio.sleep(0)
        connection.connection_lost(None)
        return told(pieces, bytes(transport.written), ended=transport.ended)

    def faults(self) -> int:
        """Return how many requests this service says it failed at."""
        errors = self.application.state.http.telemetry.metrics
        return sum(cells[0] for name, cells in errors.cells.read().items() if 'kind="internal"' in name)


async def compare(bundle: Path, cases: int, seed: int) -> list[str]:
    """What differs, or is a fault of ours, among so many made-up streams of requests."""
    fast, starlette = Door(bundle, fast=True), Door(bundle, fast=False)
    found = []
    for pieces in streams(cases, seed):
        try:
            found += differences(pieces, await fast.told(pieces), await starlette.told(pieces))
        except (Malformed, AssertionError) as error:
            found.append(f"{error}\n  {pieces}")
    return found + [f"{door.faults()} faults were counted" for door in (fast, starlette) if door.faults()]


def compare_by_sockets(bundle: Path, cases: int, seed: int) -> list[str]:
    """Compare two processes through sockets, and return what differs."""
    found = []
    with serving(bundle, FAST_PATH="1") as fast, serving(bundle, FAST_PATH="0") as starlette:
        for pieces in streams(cases, seed):
            answers = []
            for service in (fast, starlette):
                with Wire(service.port, seconds=30) as wire:
                    wire.send(*pieces)
                    wire.finish()
                    answers.append(told(pieces, wire.read_all(), ended=True))
            found += differences(pieces, *answers)
    return found


def streams(cases: int, seed: int) -> Iterator[list[bytes]]:
    """Return the streams of requests of a seed."""
    return (stream(Random(f"{seed}/{case}")) for case in range(cases))  # noqa: S311  # cases, not secrets


def differences(pieces: list[bytes], one: Told, other: Told) -> list[str]:
    """Return what differs, or a status that says that the service failed: at most one text."""
    if BROKEN & {last(one), last(other)}:
        one, other = (Told(told.answers[:-1], told.ended, told.rest) for told in (one, other))
    if one != other:
        return [f"{one}\n  but {other}\n  {pieces}"]
    if any(status > 499 and status not in HONEST for status, _ in one.answers):
        return [f"{one}\n  {pieces}"]
    return []


def last(told: Told) -> tuple[int, bytes]:
    """Return the last answer."""
    return told.answers[-1] if told.answers else (0, b"")


def main(arguments: list[str]) -> int:
    """Compare, say what was found, and return the status."""
    words = dict(zip(("cases", "seed"), arguments, strict=False))
    cases, seed = int(words.get("cases", CASES)), int(words.get("seed", time.time_ns()))
    begun = time.monotonic()
    found = uvloop.run(compare(BUNDLE, cases, seed)) + compare_by_sockets(BUNDLE, cases // 50, seed)
    print("\n".join(found[:20]))
    print(f"{cases} cases, {cases // 50} of them by sockets, seed {seed}, {time.monotonic() - begun:.0f} s: ", end="")
    print(f"{len(found)} differ or fail")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
