"""Slow work in turn: what would wait too long is refused, and what waits is answered."""

import asyncio
import math
import threading

import pytest

from app.core.answer import Answer
from app.http import in_turn
from app.http.in_turn import LONGEST_WAIT, NEWEST, InTurn

DONE = Answer(200, [], b"done")


class Clock:
    """A clock that a test sets, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(in_turn, "time", made)
    return made


def status_and_retry(answer: Answer) -> tuple[int, str]:
    return answer.status, dict(answer.headers).get(b"retry-after", b"").decode()


def test_a_line_that_is_too_long_is_refused(clock: Clock) -> None:
    """At once by the estimate, or when the turn comes after all; the next one is answered."""
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> Answer:
        begun.set()
        go_on.wait()
        return DONE

    async def ask() -> list[tuple[int, str]]:
        line = InTurn("test")
        first = asyncio.create_task(line.answer(slow))
        await asyncio.to_thread(begun.wait)
        waits = asyncio.create_task(line.answer(lambda: DONE))
        await asyncio.sleep(0)
        clock.now += 2 * LONGEST_WAIT
        refused = await line.answer(lambda: DONE)
        go_on.set()
        answers = [await first, refused, await waits, await line.answer(lambda: DONE)]
        return [status_and_retry(answer) for answer in answers]

    seconds = str(round(2 * 2 * LONGEST_WAIT))  # two before it, each of which may take as long as the first has taken
    late = str(math.ceil(NEWEST * 2 * LONGEST_WAIT))  # the mean after one that took so long
    assert asyncio.run(ask()) == [(200, ""), (503, seconds), (503, late), (200, "")]


def test_an_idle_line_is_no_wait(clock: Clock) -> None:
    """However long ago the last piece began, those that come together are all answered."""

    async def ask() -> list[int]:
        line = InTurn("test")
        await line.answer(lambda: DONE)
        clock.now += 1000 * LONGEST_WAIT
        return [each.status for each in await asyncio.gather(*(line.answer(lambda: DONE) for _ in range(50)))]

    assert asyncio.run(ask()) == [200] * 50


def test_work_that_fails_holds_up_nobody(clock: Clock) -> None:
    """Its exception reaches the caller, and the line goes on."""

    def failing() -> Answer:
        raise ValueError("broken")

    async def ask() -> Answer:
        line = InTurn("test")
        for _ in range(3):
            with pytest.raises(ValueError, match="broken"):
                await line.answer(failing)
        clock.now += LONGEST_WAIT
        return await line.answer(lambda: DONE)

    assert asyncio.run(ask()) == DONE
