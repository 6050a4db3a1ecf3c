"""Counters in shared memory: a worker counts in it and its supervisor reads it, also after the worker has died.

The memory is a list of records. A record has two words (the state, the number of cells), the name and the cells. Words
and cells are unsigned 64-bit integers in the machine's byte order; the name is UTF-8, padded to whole words. The state
is the length of the name in bytes (bits 0 to 31, never 0), a count of changes of the record's owner (bits 32 to 62),
and FREE (bit 63) if the record has no owner. A state of 0 ends the list.
One thread writes. A reader may read at any time; it sees each cell as it was before or after an addition.
"""

import mmap
import os
import sys
import tempfile

from contract.drift import MAX_INPUTS

# Bytes: half a MiB, and 8 KiB for the drift of each input and each of two models. Unwritten pages use no memory.
SIZE = (1 << 19) + 2 * (1 << 13) * MAX_INPUTS
WORD = 8
HEADER = 2  # words
FREE = 1 << 63  # the bit of a state that marks a record without an owner
CHANGED = 1 << 32  # is added to the state whenever a record is given up or taken again
LENGTH = CHANGED - 1  # the bits of the name's length
TIMES = FREE - CHANGED  # the bits that count changes
_SCRATCH = 64  # cells for a name that finds no room: they are counted in and never shown


def new_file() -> int:
    """Return the file descriptor of new shared memory for one `Cells`, of SIZE bytes."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("counters", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, SIZE)
    return descriptor


class Cells:
    """The counters of one process, by name. They are in its own memory if no descriptor is given."""

    def __init__(self, descriptor: int = -1) -> None:
        self._map = mmap.mmap(descriptor, SIZE)
        self._words = memoryview(self._map).cast("Q")
        self._end = 0  # end of the last record, in words
        self._taken: dict[str, tuple[int, memoryview]] = {}  # by name: the record's place in words, and its cells
        self._given_up: dict[tuple[int, int], list[int]] = {}  # places by words of the name and number of cells

    def take(self, name: str, count: int) -> memoryview:
        """Return the `count` cells of this name, which are zero at first. A name must always have the same count."""
        if name in self._taken:
            return self._taken[name][1]
        encoded = name.encode()
        words = _words(len(encoded))
        at = self._place(words, count)
        if at is None:
            return memoryview(bytearray(WORD * _SCRATCH)).cast("Q")
        start = at + HEADER + words
        cells = self._words[start : start + count]
        for number in range(count):
            cells[number] = 0
        self._map[(at + HEADER) * WORD : (at + HEADER) * WORD + len(encoded)] = encoded
        self._words[at + 1] = count
        self._words[at] = (self._words[at] + CHANGED) & TIMES | len(encoded)  # the last write: now readers see it
        self._taken[name] = at, cells
        return cells

    def give_up(self, name: str) -> None:
        """Hide this name and let another one use its memory. The caller must not write to its cells any more."""
        at, cells = self._taken.pop(name, (-1, memoryview(b"")))
        if at >= 0:
            length = self._words[at] & LENGTH
            self._words[at] = (self._words[at] + CHANGED) & TIMES | FREE | length
            self._given_up.setdefault((_words(length), len(cells)), []).append(at)

    def _place(self, words: int, count: int) -> int | None:
        """Return the place of a record of this size, in words: that of one given up, or the end. None if it is full."""
        given_up = self._given_up.get((words, count))
        if given_up:
            return given_up.pop()
        at, end = self._end, self._end + HEADER + words + count
        if end + HEADER > len(self._words):
            return None
        self._end = end
        return at

    def read(self) -> dict[str, list[int]]:
        """Return the values of all cells by name, from any process. A record that changes its owner now is left out."""
        values: dict[str, list[int]] = {}
        at = 0
        while at + HEADER < len(self._words) and (state := self._words[at]):
            length, count = state & LENGTH, self._words[at + 1]
            name = self._map[(at + HEADER) * WORD : (at + HEADER) * WORD + length]
            start = at + HEADER + _words(length)
            cells = self._words[start : start + count].tolist()
            if not state & FREE and self._words[at] == state:
                values[name.decode()] = cells
            at = start + count
        return values


def _words(length: int) -> int:
    return -(-length // WORD)
