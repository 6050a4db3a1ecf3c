"""One line on a terminal that says how far a transfer is; nothing where nobody looks."""

import sys
from types import TracebackType
from typing import Self

CLEAR = "\r\x1b[K"


class Progress:
    """Written to stderr, and wiped away in the end."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._shown = sys.stderr.isatty()

    def name(self, name: str) -> None:
        """What is under way."""
        if self._shown:
            print(f"{CLEAR}{self._verb} {name}", end="", file=sys.stderr, flush=True)

    def show(self, name: str, done: int, count: int) -> None:
        """What is under way, and how many of how many are done."""
        self.name(f"{done}/{count} {name}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._shown:
            print(CLEAR, end="", file=sys.stderr, flush=True)
