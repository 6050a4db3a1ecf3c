"""The records of a CSV file, in blocks. However hostile the file is, a block takes a bounded amount of memory."""

import csv
from collections.abc import Iterator
from io import StringIO
from itertools import chain

from app.table.text import Body, pieces

BLOCK_BYTES = 1 << 19  # of one block, about
TOO_LONG = "x" * (csv.field_size_limit() + 1)  # csv refuses it as a cell, wherever it comes


class Records:
    """Reads rows of cells. Rows that cannot be read are empty, and have a reason."""

    def __init__(self, body: Body, start: int, delimiter: str, row_bytes: int) -> None:
        """Read from byte `start` of `body` on, which is UTF-8. A row of more than `row_bytes` cannot be read."""
        self._row_bytes = row_bytes
        self._unread = 0  # bytes since the last row
        self._size = 0  # bytes since the block began
        self._ended = False
        self._lines = self._pieces(body, start)
        self._reader = csv.reader(chain.from_iterable(self._lines), delimiter=delimiter)

    def _pieces(self, body: Body, start: int) -> Iterator[StringIO | list[str]]:
        """Yield some lines at a time. A row that is too long goes on with TOO_LONG, so csv refuses it."""
        for piece in pieces(body, start, returns=True):
            if len(piece) > self._row_bytes or self._unread > self._row_bytes:
                yield [TOO_LONG]
            if len(piece) > self._row_bytes:
                continue
            self._unread += len(piece)
            self._size += len(piece)
            yield StringIO(piece.decode(), newline="")
        self._ended = True

    def block(self, most: int) -> tuple[list[list[str]], dict[int, str]]:
        """Return at most `most` rows, and why some of them cannot be read. At the end there are none."""
        rows: list[list[str]] = []
        faults: dict[int, str] = {}
        self._size = 0
        while True:
            try:
                for row in self._reader:
                    self._unread = 0
                    if row:  # else it is an empty line
                        rows.append(row)
                    if self._ended:
                        faults[len(rows) - 1] = "a quote is never closed: the row goes on to the end of the file"
                    if len(rows) >= most or self._size > BLOCK_BYTES:
                        return rows, faults
                return rows, faults
            except csv.Error:
                self._unread = 0
                faults[len(rows)] = (
                    f"line {self._reader.line_num}: a cell has more than {csv.field_size_limit()} characters, or the "
                    f"row more than {self._row_bytes} bytes; its cells are left out"
                )
                rows.append([])
            if len(rows) >= most:
                return rows, faults
