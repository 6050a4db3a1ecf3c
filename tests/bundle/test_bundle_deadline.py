import threading
import time

import pytest

from bundle.deadline import Deadline, retried, run_within
from bundle.refusal import BundleRefusal, Reason


def failing(reasons: list[Reason]) -> list[float]:
    """Run an operation that fails so, one reason an attempt, then succeeds. Returns what each was given."""
    given: list[float] = []

    def operation(seconds: float) -> str:
        given.append(seconds)
        if len(given) <= len(reasons):
            raise BundleRefusal(reasons[len(given) - 1], "no")
        return "done"

    assert retried(operation, Deadline(5)) == "done"
    return given


def test_what_may_pass_is_tried_again() -> None:
    """With a part of the time that is left, so that a stall leaves time for others."""
    given = failing(["unreachable", "throttled", "failing", "cut"])
    assert len(given) == 5
    assert all(1 < seconds <= 5 / 3 for seconds in given)


@pytest.mark.parametrize("reason", ["forbidden", "missing", "credentials", "conflict", "digest", "expired"])
def test_what_will_not_pass_is_not(reason: Reason) -> None:
    """403 and 404 among others."""
    with pytest.raises(BundleRefusal) as refusal:
        failing([reason])
    assert refusal.value.reason == reason


def test_the_last_failure_is_told_when_time_is_up() -> None:
    """Not that it is."""

    def operation(_: float) -> None:
        raise BundleRefusal("failing", "the reason")

    start = time.monotonic()
    with pytest.raises(BundleRefusal, match="the reason"):
        retried(operation, Deadline(0.3))
    assert time.monotonic() - start < 0.3


class Stop:
    """What work waits for."""

    def __init__(self) -> None:
        self.aborted, self.closed = threading.Event(), threading.Event()

    def abort(self) -> None:
        self.aborted.set()

    def close(self) -> None:
        assert self.aborted.is_set()
        self.closed.set()


def test_work_that_never_ends_is_left_at_the_deadline() -> None:
    """It is told to stop, and when it has, what it used is given back."""
    stop = Stop()
    start = time.monotonic()
    with pytest.raises(BundleRefusal, match=r"it: not done within 0\.1 s") as refusal:
        run_within(Deadline(0.1), stop.aborted.wait, lambda: stop, "it")
    assert refusal.value.reason == "deadline"
    assert 0.1 <= time.monotonic() - start < 1
    assert stop.closed.wait(1)


@pytest.mark.parametrize("error", [ValueError("its own"), TimeoutError("its own"), KeyboardInterrupt()])
def test_what_the_work_raises_is_raised(error: BaseException) -> None:
    """A time-out of its own included."""

    def work() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        run_within(Deadline(5), work, lambda: pytest.fail("it was done"), "it")
    assert raised.value is error
