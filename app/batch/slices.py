"""A large batch on several threads: each of them calls the library with its own slice of the rows."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from app.batch.rows import Rows
from binding.library import FLOAT_BYTES, Batch, Library

LEAST_ROWS = 4_096  # of a slice: below, a thread costs more than it gives


class Slices:
    """Predicts with at most `threads` threads, one of which is the caller's. Safe to use from any thread."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._others = ThreadPoolExecutor(threads - 1, "slice") if threads > 1 else None  # they start when needed

    def predict(self, library: Library, rows: Rows) -> Batch:
        """Return what `Library.predict_rows` answers. Raises MemoryError."""
        count = min(self.threads, rows.rows // LEAST_ROWS)
        if self._others is None or count < 2:
            return library.predict_rows(*rows)
        width = library.inputs * FLOAT_BYTES
        ends = [rows.rows * i // count for i in range(count + 1)]
        slices = [(rows.data, rows.offset + start * width, end - start) for start, end in pairwise(ends)]
        waiting = [self._others.submit(library.predict_rows, *each) for each in slices[1:]]
        answers = [library.predict_rows(*slices[0]), *(each.result() for each in waiting)]
        return Batch(*(bytearray().join(parts) for parts in zip(*answers, strict=True)))
