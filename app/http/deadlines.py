"""Deadlines of connections: one timer sweeps them all, so that a request costs a few stores and no timer of its own.

A connection sets `phase` and clears `entered`. The next sweep sets `entered` to the time. A deadline is therefore exact
to one or two sweeps.
"""

import asyncio
from collections.abc import Collection
from typing import Any, Protocol

from app.core.settings import Settings

SWEEP_SECONDS = 0.25
LINGER_SECONDS = 2.0  # to read what a client still sends after its last answer, so that it is not lost to a reset

FIRST, IDLE, HEAD, BODY, ANSWER, LINGER = range(6)  # a request may begin in the first two
UNSEEN = 0.0


class Timed(Protocol):
    """What the sweep needs of a connection."""

    phase: int
    entered: float  # when the sweep first saw it in its phase, on the loop's clock, or UNSEEN

    def expire(self) -> None:
        """End a phase that has lasted too long."""

    def look_after(self, now: float) -> None:
        """Do the other work of a sweep. `now` is on the clock of the event loop, in seconds."""


class Deadlines:
    """The timer of one process. `sweeps` is the number of sweeps so far."""

    def __init__(self, settings: Settings) -> None:
        self.sweeps = 0
        self._seconds = (
            settings.first_byte_seconds,
            settings.keep_alive_seconds,
            settings.header_seconds,
            settings.body_seconds,
            float("inf"),  # an answer's time is ours
            LINGER_SECONDS,
        )

    def watch(self, connections: Collection[Any], loop: asyncio.AbstractEventLoop) -> None:
        """Sweep these connections for as long as the loop runs. The first connection calls it."""
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
