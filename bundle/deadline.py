"""One deadline for everything that a command or a fetch does, whatever the server does.

Time-outs of sockets count from the last byte, so a server that sends one byte a second never reaches them. So the work
runs on a thread of its own. The caller waits for the thread until the deadline, and then cuts its connections.
"""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Protocol, TypeVar

from bundle.refusal import BundleRefusal

Result = TypeVar("Result")

FIRST_DELAY_S, LONGEST_DELAY_S = 0.1, 2.0  # seconds between attempts; each pause is a random part of this
ATTEMPTS = 3  # a stalled attempt leaves time for as many
SHORTEST_ATTEMPT_S = 1.0


class Deadline:
    """A moment in monotonic time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Return the remaining seconds, never less than 0."""
        return max(0.0, self._end - time.monotonic())

    @property
    def attempt(self) -> float:
        """Return the seconds that one attempt may wait for a byte, so that time for other attempts is left."""
        return max(min(self.remaining, SHORTEST_ATTEMPT_S), self.remaining / ATTEMPTS, 0.001)

    def passed(self, what: str) -> BundleRefusal:
        """Return the refusal for `what`, which was not done in time."""
        return BundleRefusal("deadline", f"{what}: not done within {self.seconds:g} s; try again, or allow more time")


def retried(operation: Callable[[float], Result], deadline: Deadline) -> Result:
    """Return the result of `operation`, which gets the seconds for one attempt.

    If it fails in a way that may pass, it is tried again after a pause. Raises BundleRefusal.
    """
    delay = FIRST_DELAY_S
    while True:
        try:
            return operation(deadline.attempt)
        except BundleRefusal as refusal:
            pause = random.uniform(0, delay)  # noqa: S311  # so that many services do not retry at the same moment
            if not refusal.retryable or pause >= deadline.remaining:
                raise
        time.sleep(pause)
        delay = min(2 * delay, LONGEST_DELAY_S)


class Interruptible(Protocol):
    """Something that the work may wait for."""

    def abort(self) -> None:
        """Make every call that waits on another thread fail soon."""
        ...

    def close(self) -> None:
        """Release everything. Nobody waits any more."""
        ...


def run_within(
    deadline: Deadline, work: Callable[[], Result], waiting_for: Callable[[], Interruptible | None], what: str
) -> Result:
    """Return the result of `work`, or raise its exception. `work` runs on a thread of its own.

    At the deadline, abort what the work is `waiting_for` and raise BundleRefusal. The work's thread closes it later. If
    the work's last attempt gives up in the same moment, it is the deadline, too.
    """
    outcome: Future[Result] = Future()
    lock = threading.Lock()
    left: list[Interruptible | None] = []

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  # the waiting thread raises it again
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
            error = outcome.exception()
            if deadline.remaining or not (isinstance(error, BundleRefusal) and error.retryable):
                return outcome.result()
            raise deadline.passed(what) from error
        left.append(interrupted := waiting_for())
    if interrupted:
        interrupted.abort()
    raise deadline.passed(what)
