"""Counters in memory that outlives the process which counts: a worker's supervisor has it mapped, too.

A record is two words (bytes of the name, which is not empty; cells), the name, and the cells: unsigned 64-bit integers.
One thread writes; a reader may look at any time, and sees each cell as it was before or after an addition.
"""

import mmap
import os
import sys
import tempfile

SIZE = 1 << 19  # bytes; memory is taken only where it is written
WORD = 8
HEADER = 2  # words
_SCRATCH = 64  # cells for who comes when all is taken: counted, and never shown


def new_file() -> int:
    """The descriptor of shared memory for one `Cells`."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("counters", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, SIZE)
    return descriptor


class Cells:
    """A process's own counters, by name. In memory of its own where no descriptor is given."""

    def __init__(self, descriptor: int = -1) -> None:
        self._map = mmap.mmap(descriptor, SIZE)
        self._words = memoryview(self._map).cast("Q")
        self._free = 0
        self._taken: dict[str, memoryview] = {}

    def take(self, name: str, count: int) -> memoryview:
        """The cells of this name, zero at first. A name always comes with the same count."""
        if name in self._taken:
            return self._taken[name]
        encoded = name.encode()
        start = self._free + HEADER + -(-len(encoded) // WORD)
        if start + count + HEADER > len(self._words):
            return memoryview(bytearray(WORD * _SCRATCH)).cast("Q")
        self._map[(self._free + HEADER) * WORD : (self._free + HEADER) * WORD + len(encoded)] = encoded
        self._words[self._free + 1] = count
        self._words[self._free] = len(encoded)  # last: from now on a reader sees it
        self._free = start + count
        self._taken[name] = self._words[start : start + count]
        return self._taken[name]

    def read(self) -> dict[str, list[int]]:
        """All cells there are, whoever writes them."""
        found: dict[str, list[int]] = {}
        at = 0
        while at + HEADER < len(self._words) and (length := self._words[at]):
            count = self._words[at + 1]
            name = self._map[(at + HEADER) * WORD : (at + HEADER) * WORD + length].decode()
            start = at + HEADER + -(-length // WORD)
            found[name] = self._words[start : start + count].tolist()
            at = start + count
        return found
