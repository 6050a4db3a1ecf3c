"""Writing lines to a descriptor that may be full, closed or never read.

A thread writes them. Lines beyond a limit are dropped and counted. The descriptor stays blocking, because other
processes share it.
"""

import os
import queue
import select
import threading
import time
from contextlib import suppress

MAX_BYTES = 4 << 20  # bytes that may wait
PIECE_BYTES = select.PIPE_BUF  # longest write that a pipe keeps in one piece: lines of several workers do not mix


class Writer:
    """A queue of lines and the thread that writes them. One thread gives lines; it never waits."""

    def __init__(self, descriptor: int, most_bytes: int = MAX_BYTES) -> None:
        self._descriptor = descriptor
        self._most_bytes = most_bytes
        self._queue: queue.SimpleQueue[list[bytes] | None] = queue.SimpleQueue()
        self._given_bytes = 0
        self._taken_bytes = 0  # written or lost; set only by the writing thread
        self._thread: threading.Thread | None = None
        self._dropped = 0  # lines, because the queue was full
        self._lost = 0  # lines that could not be written
        self.written = 0  # lines

    @property
    def dropped(self) -> int:
        """Number of lines that were dropped or lost."""
        return self._dropped + self._lost

    def write(self, lines: list[bytes]) -> None:
        """Queue whole lines, with their newlines."""
        size = sum(map(len, lines))
        if self._given_bytes + size - self._taken_bytes > self._most_bytes:
            self._dropped += len(lines)
            return
        self._given_bytes += size
        self._queue.put(lines)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log", daemon=True)
            with suppress(RuntimeError):  # too many threads, or the interpreter is ending
                self._thread.start()

    def close(self, seconds: float) -> None:
        """Wait until all lines are written, but at most so many seconds."""
        if self._thread is not None and self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(seconds)
            self._thread = None

    def drained(self, seconds: float) -> bool:
        """Wait until all queued lines are written or lost. Return whether they are."""
        until = time.monotonic() + seconds
        while self._taken_bytes < self._given_bytes and time.monotonic() < until:
            time.sleep(0.001)
        return self._taken_bytes == self._given_bytes

    def _run(self) -> None:
        while (lines := self._queue.get()) is not None:
            for piece in pieces(lines):
                self._write_piece(piece)

    def _write_piece(self, lines: list[bytes]) -> None:
        left = memoryview(b"".join(lines))
        size = len(left)
        try:
            while left:
                left = left[self._write_some(left) :]
            self.written += len(lines)
        except OSError:
            self._lost += len(lines)
        self._taken_bytes += size

    def _write_some(self, data: memoryview) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:  # another process has made it non-blocking: wait for room
            select.select([], [self._descriptor], [])
            return 0


def pieces(lines: list[bytes]) -> list[list[bytes]]:
    """Return the lines in groups of at most PIECE_BYTES. A longer line is a group of its own."""
    groups: list[list[bytes]] = [[]]
    size = 0
    for line in lines:
        if groups[-1] and size + len(line) > PIECE_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(line)
        size += len(line)
    return groups
