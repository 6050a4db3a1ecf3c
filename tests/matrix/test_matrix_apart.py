"""Forks that may crash, hang or fail, one for each item."""

import os
import signal
import subprocess
import sys

import pytest

from tests.matrix.apart import Ending, each

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")  # no fork uses a lock here

LONG = 300  # seconds, which no test takes


def endings(*works: object, seconds: int = LONG, at_once: int = 1) -> dict[object, Ending]:
    return dict(each(works, lambda work: work(), seconds, at_once))  # type: ignore[operator]


def fails() -> str:
    raise ValueError("no such objective")


def dies() -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def hangs() -> str:
    while True:
        signal.pause()


def leaves() -> str:
    os._exit(3)


def test_what_the_work_returns_comes_back() -> None:
    """The text that the work returns comes back."""

    def works() -> str:
        return "größe"

    assert endings(works) == {works: Ending("größe", "")}


def test_an_exception_is_a_problem_with_its_text() -> None:
    """An exception is a problem with its text."""
    assert "ValueError: no such objective" in endings(fails)[fails].problem


def test_a_crash_is_a_problem_and_the_next_item_is_done() -> None:
    """A crash is a problem, and the next item is done."""

    def works() -> str:
        return "done"

    found = endings(dies, works)
    assert found[dies] == Ending("", "ended with status -9")
    assert found[works] == Ending("done", "")


def test_what_hangs_is_killed() -> None:
    """A fork that hangs is killed."""
    assert endings(hangs, seconds=1)[hangs] == Ending("", "took longer than 1 s")


def test_leaving_without_a_word_is_a_problem() -> None:
    """A fork that exits without a text is a problem."""
    assert endings(leaves)[leaves] == Ending("", "ended with status 3")


def test_long_texts_do_not_block() -> None:
    """A long text does not block, and its end is kept."""

    def talks() -> str:
        raise ValueError("x" * 1_000_000)

    assert endings(talks)[talks].problem.endswith("xxx\n")


def test_several_run_at_once_and_all_come_back() -> None:
    """Two forks run at once: each waits for the other, and both come back."""
    reader, writer = os.pipe()
    back_reader, back_writer = os.pipe()

    def first() -> str:
        os.write(writer, b"a")
        return os.read(back_reader, 1).decode()

    def second() -> str:
        os.write(back_writer, b"b")
        return os.read(reader, 1).decode()

    assert endings(first, second, at_once=2) == {first: Ending("b", ""), second: Ending("a", "")}


def test_no_process_is_left_behind() -> None:
    """No fork is left behind."""
    for _, ending in each(range(3), lambda _: str(os.getpid()), LONG, 2):
        with pytest.raises(ProcessLookupError):
            os.kill(int(ending.text), 0)


def test_the_other_children_of_this_process_are_left_alone() -> None:
    """Other children of this process are not reaped."""
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"]) as other:
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
        list(each(range(3), str, LONG, 2))
        assert other.wait() == 7
