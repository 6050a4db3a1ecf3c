"""An error that a person can fix, and the exit status of a command that ends with it."""

import importlib.util
import os
import sys
from collections.abc import Callable

USER_MISTAKE = 2  # exit status
READER_LEFT = 141  # exit status, as the shell gives it for a program that SIGPIPE ended: 128 + 13
# What to type to compile a model. The image has no compiler, so there it says where to type it.
COMPILE = "python -m compile MODEL" + (
    "" if importlib.util.find_spec("compile") else ", in a checkout: there is no compiler here"
)
COMPILE_AGAIN = f"make the bundle again: {COMPILE}"  # the advice if the bundle itself is wrong


class Refusal(Exception):
    """Says what was expected, what was found, and what to type. It is printed as one line, without a traceback."""


def exit_status(command: Callable[[], None]) -> int:
    """Run a command. Return 0, or print its refusal to stderr and return 2. Other exceptions pass through.

    If whoever reads stdout has left, as `head` does, return READER_LEFT without a word.
    """

    def refused_or_done() -> int:
        try:
            command()
        except Refusal as refusal:
            print(f"error: {refusal}", file=sys.stderr)
            return USER_MISTAKE
        return 0

    return while_read(refused_or_done)


def while_read(command: Callable[[], int]) -> int:
    """Run a command and return its status, or READER_LEFT if whoever reads stdout has left."""
    try:
        try:
            return command()
        finally:
            if sys.stdout:  # there is none if the process was started without it
                sys.stdout.flush()  # what is left in the buffer, while the error can still be caught
    except BrokenPipeError:
        if not sys.stdout or not _reader_left():
            raise  # another pipe: not ours to judge
        return READER_LEFT


def _reader_left() -> bool:
    """Whether nobody reads stdout any more. If so, the rest of its buffer goes nowhere: Python ends without a word."""
    import select

    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    if not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return True
