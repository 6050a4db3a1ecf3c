"""An error that a person can fix, and the exit status of a command that ends with it."""

import sys
from collections.abc import Callable

USER_MISTAKE = 2  # exit status
COMPILE_AGAIN = "make the bundle again: python -m compile MODEL"  # the advice if the bundle itself is wrong


class Refusal(Exception):
    """Says what was expected, what was found, and what to type. It is printed as one line, without a traceback."""


def exit_status(command: Callable[[], None]) -> int:
    """Run a command. Return 0, or print its refusal to stderr and return 2. Other exceptions pass through."""
    try:
        command()
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return USER_MISTAKE
    return 0
