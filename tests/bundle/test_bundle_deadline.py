import threading
import time

import pytest

from bundle.deadline import Deadline, retried, run_within
from bundle.refusal import BundleRefusal, Reason

HANG_SECONDS = 60.0  # on a busy machine everything takes longer, but not that long


def failing(reasons: list[Reason]) -> list[float]:
    """Run an operation that fails with these reasons and then succeeds. Return the time of each attempt."""
    given: list[float] = []

    def operation(seconds: float) -> str:
        given.append(seconds)
        if len(given) <= len(reasons):
            raise BundleRefusal(reasons[len(given) - 1], "no")
        return "done"

    assert retried(operation, Deadline(60)) == "done"
    return given


def test_what_may_pass_is_tried_again() -> None:
    """A failure that may pass is retried with a part of the remaining time."""
    given = failing(["unreachable", "throttled", "failing", "cut"])
    assert len(given) == 5
    assert all(1 < seconds <= 60 / 3 for seconds in given)


@pytest.mark.parametrize("reason", ["forbidden", "missing", "credentials", "conflict", "digest", "expired"])
def test_what_will_not_pass_is_not(reason: Reason) -> None:
    """A failure that will not pass is not retried."""
    with pytest.raises(BundleRefusal) as refusal:
        failing([reason])
    assert refusal.value.reason == reason


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_last_failure_is_told_when_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal at the deadline has the last failure's reason."""

    def operation(_: float) -> None:
        raise BundleRefusal("failing", "the reason")

    clock = Clock()
    monkeypatch.setattr("bundle.deadline.time", clock)
    with pytest.raises(BundleRefusal, match="the reason"):
        retried(operation, Deadline(0.3))
    assert 0 < clock.now < 0.3


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
    """Work that does not end is left at the deadline and gives back its resources later."""
    stop = Stop()
    start = time.monotonic()
    with pytest.raises(BundleRefusal, match=r"it: not done within 0\.1 s") as refusal:
        run_within(Deadline(0.1), stop.aborted.wait, lambda: stop, "it")
    assert refusal.value.reason == "deadline"
    assert 0.1 <= time.monotonic() - start < HANG_SECONDS
    assert stop.closed.wait(HANG_SECONDS)


@pytest.mark.parametrize("error", [ValueError("its own"), TimeoutError("its own"), KeyboardInterrupt()])
def test_what_the_work_raises_is_raised(error: BaseException) -> None:
    """An exception of the work is raised, even a time-out of its own."""

    def work() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        run_within(Deadline(5), work, lambda: pytest.fail("it was done"), "it")
    assert raised.value is error


class Ended(Deadline):
    """A deadline that passes while the work is waited for."""

    @property
    def remaining(self) -> float:
        left, self._end = self._end, 0.0
        return left


@pytest.mark.parametrize(("reason", "told"), [("unreachable", "deadline"), ("missing", "missing")])
def test_an_attempt_that_gives_up_at_the_deadline_is_the_deadline(reason: Reason, told: Reason) -> None:
    """What may pass is told as the deadline that came first; what will not is told as it is."""

    def work() -> None:
        raise BundleRefusal(reason, "no answer")

    with pytest.raises(BundleRefusal) as found:
        run_within(Ended(9.0), work, lambda: None, "the work")
    assert found.value.reason == told
