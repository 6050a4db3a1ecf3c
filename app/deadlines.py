"""Deadlines of connections: one timer for all, so that a request costs a few stores and no timer of its own.

A connection says in which phase it is and clears `entered`; the sweep notes when it first saw it there. A deadline is
therefore kept to within a sweep or two.
"""

import asyncio
from collections.abc import Collection
from typing import Any, Protocol

from app.settings import Settings

SWEEP_SECONDS = 0.25
LINGER_SECONDS = 2.0  # to read what a client still sends after its last answer, so that it is not lost to a reset

FIRST, HEAD, BODY, ANSWER, IDLE, LINGER = range(6)
UNSEEN = 0.0


class Timed(Protocol):
    """A connection, as the sweep sees it."""

    phase: int
    entered: float  # when the sweep first saw it in its phase, on the loop's clock, or UNSEEN

    def expire(self) -> None:
        """The phase has lasted too long."""

    def look_after(self, now: float) -> None:
        """Whatever else has to be done once a sweep."""


class Deadlines:
    """The timer of one process. `sweeps` counts."""

    def __init__(self, settings: Settings) -> None:
        self.sweeps = 0
        self._seconds = (
            settings.first_byte_seconds,
            settings.header_seconds,
            settings.body_seconds,
            float("inf"),  # an answer's time is ours
            settings.keep_alive_seconds,
            LINGER_SECONDS,
        )

    def watch(self, connections: Collection[Any], loop: asyncio.AbstractEventLoop) -> None:
        """Sweep these connections for as long as the loop runs. Called with the first of them."""
        self.sweeps += 1
        loop.call_later(SWEEP_SECONDS, self.watch, connections, loop)
        self.sweep([connection for connection in connections if hasattr(connection, "entered")], loop.time())

    def sweep(self, connections: Collection[Timed], now: float) -> None:
        """Expire every connection whose phase has lasted too long."""
        for connection in connections:
            if connection.entered == UNSEEN:
                connection.entered = now
            elif now - connection.entered > self._seconds[connection.phase]:
                connection.expire()
            connection.look_after(now)
