"""One line on a terminal that shows the progress of a transfer. Nothing is written if stderr is no terminal."""

import sys
from types import TracebackType
from typing import Self

CLEAR = "\r\x1b[K"


class Progress:
    """The line on stderr. It is erased at the end."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._shown = sys.stderr.isatty()

    def name(self, name: str) -> None:
        """Show the name of the file that is being transferred."""
        if self._shown:
            print(f"{CLEAR}{self._verb} {name}", end="", file=sys.stderr, flush=True)

    def show(self, name: str, done: int, count: int) -> None:
        """Show the name of the file that is being transferred, and how many of `count` are done."""
        self.name(f"{done}/{count} {name}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._shown:
            print(CLEAR, end="", file=sys.stderr, flush=True)
