"""One deadline for everything that a command or a fetch does, whatever the other side does.

Time-outs of sockets count from the last byte: a server that sends one byte a second never meets them. So the work runs
on a thread of its own, which is waited for until the deadline and then cut off from its sockets.
"""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Protocol, TypeVar

from bundle.refusal import BundleRefusal

Result = TypeVar("Result")

FIRST_DELAY_S, LONGEST_DELAY_S = 0.1, 2.0  # between attempts; each is a random part of it
ATTEMPTS = 3  # that a stalled one leaves time for
SHORTEST_ATTEMPT_S = 1.0
FOREVER_S = 10.0**9


class Deadline:
    """A moment in monotonic time. Raises BundleRefusal once it has passed."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds; never negative."""
        return max(0.0, self._end - time.monotonic())

    @property
    def attempt(self) -> float:
        """Seconds that one attempt may wait for a byte, so that others have their turn."""
        return max(min(self.remaining, SHORTEST_ATTEMPT_S), self.remaining / ATTEMPTS, 0.001)

    def passed(self, what: str) -> BundleRefusal:
        """The refusal for what was not done in time."""
        return BundleRefusal("deadline", f"{what}: not done within {self.seconds:g} s; try again, or allow more time")


def retried(operation: Callable[[float], Result], deadline: Deadline) -> Result:
    """`operation(seconds for one attempt)`, again after a pause where its failure may pass. Raises BundleRefusal."""
    delay = FIRST_DELAY_S
    while True:
        try:
            return operation(deadline.attempt)
        except BundleRefusal as refusal:
            pause = random.uniform(0, delay)  # noqa: S311  # so that many services do not come back at once
            if not refusal.retryable or pause >= deadline.remaining:
                raise
        time.sleep(pause)
        delay = min(2 * delay, LONGEST_DELAY_S)


class Interruptible(Protocol):
    """What the work may be waiting for."""

    def abort(self) -> None:
        """Have whatever waits on another thread fail soon."""
        ...

    def close(self) -> None:
        """Give everything back; nobody waits any more."""
        ...


def run_within(
    deadline: Deadline, work: Callable[[], Result], waiting_for: Callable[[], Interruptible | None], what: str
) -> Result:
    """The result of `work`, or its exception.

    At the deadline BundleRefusal is raised and what the work is `waiting_for` aborted; the work's thread closes it.
    """
    outcome: Future[Result] = Future()
    lock = threading.Lock()
    left: list[Interruptible | None] = []

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  # it is raised again on the thread that waits
            outcome.set_exception(error)
        else:
            outcome.set_result(result)
        with lock:
            for abandoned in left:
                if abandoned:
                    abandoned.close()

    threading.Thread(target=run, name="bundle", daemon=True).start()
    wait([outcome], deadline.remaining)
    with lock:
        if outcome.done():
            return outcome.result()
        left.append(interrupted := waiting_for())
    if interrupted:
        interrupted.abort()
    raise deadline.passed(what)
