"""Slow work: one piece after the other, on a thread. A piece that would wait too long for its turn is refused."""

import time
from asyncio import get_running_loop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from app.core.answer import Answer
from app.http.refusals import too_long_a_line

LONGEST_WAIT = 5.0  # seconds
NEWEST = 0.25  # the part of the newest duration in the mean


class InTurn:
    """A thread, and the line before it. Lifetime: process. Used by one event loop.

    How long a new piece would wait is estimated from the durations of those before it.
    """

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)  # starts with the first piece
        self._unfinished = 0
        self._mean = 0.0  # seconds
        self._began = 0.0  # when the last piece began

    async def answer(self, work: Callable[[], Answer]) -> Answer:
        """Return what `work` answers, or a 503 at once if it would wait longer than LONGEST_WAIT.

        If the estimate was wrong, the 503 comes when the turn does: no work begins for a client who has given up.
        """
        now = time.monotonic()
        if not self._unfinished:
            self._began = now
        wait = self._unfinished * max(self._mean, now - self._began)
        if wait > LONGEST_WAIT:
            return too_long_a_line(wait)
        self._unfinished += 1
        try:
            return await get_running_loop().run_in_executor(self._thread, self._timed, work, now)
        finally:
            self._unfinished -= 1

    def _timed(self, work: Callable[[], Answer], asked: float) -> Answer:
        began = self._began = time.monotonic()
        if began - asked > LONGEST_WAIT:
            return too_long_a_line(self._mean)
        try:
            return work()
        finally:
            self._mean += NEWEST * (time.monotonic() - began - self._mean)
