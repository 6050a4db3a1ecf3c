"""The request log: which requests get a line, and when lines are made and written.

A budget of lines per second bounds the cost of the log. Successes beyond it are left out; a line each second says how
many. Errors have a budget of their own, ten times as large. A timer makes many lines at once, ten times a second.
"""

import logging
import time
from collections.abc import Callable

import orjson

from app.telemetry.exchange import Exchange
from app.telemetry.log_writer import Writer

TICKS_PER_SECOND = 10
ERRORS_TIMES = 10  # the budget of errors divided by that of successes
LEAST_ERRORS = 100  # lines a second
MADE_AT_ONCE = 64  # lines
CLOSE_SECONDS = 1.0  # to write what is left when the process ends

logger = logging.getLogger("uvicorn.error")


class RequestLog:
    """The request log of one thread. `room` is what is left of the budget; at 0 the caller only counts `left_out`."""

    def __init__(self, line: Callable[[Exchange], bytes], writer: Writer, lines_per_second: int, *, json: bool) -> None:
        self._line = line
        self._json = json
        self.writer = writer
        self._lines_per_second = lines_per_second
        self._errors_per_second = max(LEAST_ERRORS, ERRORS_TIMES * lines_per_second) if lines_per_second else 0
        self.room = lines_per_second
        self.errors_room = self._errors_per_second
        self.left_out = 0
        self.errors_left_out = 0
        self._reported = 0
        self._errors_reported = 0
        self._pending: list[Exchange] = []
        self._ticks = 0

    def success(self, exchange: Exchange) -> None:
        """Log a success. The caller has checked `room`."""
        self.room -= 1
        self._add(exchange)

    def error(self, exchange: Exchange) -> None:
        """Log a request that was not answered with success, or count it as left out."""
        if self.errors_room > 0:
            self.errors_room -= 1
            self._add(exchange)
        else:
            self.errors_left_out += 1

    def _add(self, exchange: Exchange) -> None:
        self._pending.append(exchange)
        if len(self._pending) >= MADE_AT_ONCE:
            self.make_lines()

    def tick(self) -> None:
        """Make lines, refill the budgets, report what was left out. Called ten times a second."""
        self._ticks += 1
        self.room = _refilled(self.room, self._lines_per_second, self._ticks)
        self.errors_room = _refilled(self.errors_room, self._errors_per_second, self._ticks)
        if self._ticks % TICKS_PER_SECOND == 0:
            self._report()
        self.make_lines()

    def make_lines(self) -> None:
        """Make and write the lines of all pending exchanges."""
        if self._pending:
            pending, self._pending = self._pending, []
            self.writer.write([line for line in map(self._made, pending) if line])

    def _made(self, exchange: Exchange) -> bytes:
        """Return the line, or nothing if it cannot be made: one bad exchange must not cost other lines."""
        try:
            return self._line(exchange)
        except Exception as error:  # of any kind
            self.errors_left_out += 1
            logger.error("Exception in the request log", exc_info=error)
            return b""

    def _report(self) -> None:
        successes = self.left_out - self._reported
        errors = self.errors_left_out - self._errors_reported
        if not self._lines_per_second or not (successes or errors):
            return
        self._reported, self._errors_reported = self.left_out, self.errors_left_out
        message = f"{successes + errors} requests were left out of this log, {errors} of them errors"
        if self._json:
            document = {
                "severity": "WARNING" if errors else "INFO",
                "message": message,
                "leftOut": {"successes": successes, "errors": errors},
            }
            self.writer.write([orjson.dumps(document) + b"\n"])
        else:
            self.writer.write([f"{time.strftime('%H:%M:%S')} {message}\n".encode()])

    def close(self) -> None:
        """Write all that is pending, if anybody reads it."""
        self.make_lines()
        self._report()
        self.writer.close(CLOSE_SECONDS)


def _refilled(room: int, per_second: int, ticks: int) -> int:
    """Return `room` plus a tenth of the budget, in whole lines, and at most the budget of a second."""
    share = per_second * ticks // TICKS_PER_SECOND - per_second * (ticks - 1) // TICKS_PER_SECOND
    return min(per_second, room + share)
