"""The servers that are put to the test, each in a process of its own.

`fast` and `starlette` are `python -m app` with its fast path and without it. `granian` is another ASGI server: it is
asked only what the application answers for, not what is a server's own business.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.app.http.conformance.messages import LIVE
from tests.support.commands import ROOT
from tests.support.service import OWN
from tests.support.wire import Response, Wire

OURS = ("fast", "starlette")
DOORS = (*OURS, "granian")


class Door(NamedTuple):
    """A running server and its log."""

    name: str
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    def ask(self, request: bytes) -> Response:
        """Return the answer to one request on a connection of its own."""
        with Wire(self.port) as wire:
            wire.send(request)
            return wire.response(head=request.startswith(b"HEAD"))

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")


def command(name: str, port: int) -> tuple[str, ...]:
    """Return the command that starts the server."""
    if name == "granian":
        return ("granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", f"{port}", "--no-ws", "app.main:app")
    return ("app",)


@contextlib.contextmanager
def opened(name: str, bundle: Path, log: Path) -> Iterator[Door]:
    """Start the server, and stop it at the end. Its log is a file, because an unread pipe would fill up."""
    port = free_port()
    environment = {
        "BUNDLE": f"{bundle}",
        **OWN,
        "HOST": "127.0.0.1",
        "PORT": f"{port}",
        "FAST_PATH": f"{int(name == 'fast')}",
        "MAX_LAG_MILLISECONDS": "60000",  # a busy machine is no reason to refuse what this is about
        "NOT_READY_SECONDS": "0",
    }
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", *command(name, port)],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=sink,
            stderr=sink,
        )
    door = Door(name, port, process, log)
    try:
        await_answer(door)
        yield door
    finally:
        process.terminate()
        try:
            left = process.wait(timeout=60)
        finally:
            process.kill()
    assert left == 0, door.said()


def free_port() -> int:
    """Return a port that is free."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def await_answer(door: Door) -> None:
    """Return as soon as the server answers."""
    until = time.monotonic() + 20
    while time.monotonic() < until and door.process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError):
            assert door.ask(LIVE).status == 200
            return
        time.sleep(0.05)
    raise AssertionError(f"{door.name} did not start:\n{door.said()}")
