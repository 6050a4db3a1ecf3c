"""An error that a person can mend, and the exit status it ends a command with."""

import sys
from collections.abc import Callable

USER_MISTAKE = 2  # exit status


class Refusal(Exception):
    """Says what was expected, what was found, and what to type. Printed as one line, without a traceback."""


def exit_status(command: Callable[[], None]) -> int:
    """Run a command. Returns 0, or prints its refusal to stderr and returns 2. Other exceptions pass through."""
    try:
        command()
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return USER_MISTAKE
    return 0
