"""What batches may take of the memory there is: each claims its part before it takes it, or is refused.

A container that needs more than its limit is killed, with all its requests. So the limit is looked up, a part of it is
kept for everything else, and no batch begins what might not fit.
"""

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from types import TracebackType

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
KEPT_BYTES = 48 << 20  # for the rest of a process
SHARE = 0.75  # of the limit: the allocator cannot give everything back at once
LEAST_BYTES = 4 << 20

M_MMAP_THRESHOLD = -3  # glibc's mallopt
LARGE_BYTES = 1 << 17  # so that the pieces of an answer are among them


class Memory:
    """For any thread."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._free = total
        self._lock = Lock()

    def take(self, size: int) -> bool:
        """Whether there was as much."""
        with self._lock:
            if size > self._free:
                return False
            self._free -= size
            return True

    def give(self, size: int) -> None:
        """Back."""
        with self._lock:
            self._free += size


class Claim:
    """One request's part, given back at the end of a `with`."""

    def __init__(self, memory: Memory) -> None:
        self.total = memory.total
        self.size = 0
        self._memory = memory

    def grow(self, size: int) -> bool:
        """Whether there was as much more."""
        taken = self._memory.take(size)
        if taken:
            self.size += size
        return taken

    def __enter__(self) -> "Claim":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._memory.give(self.size)
        self.size = 0


def batch_memory(wanted: int, workers: int) -> int:
    """Bytes for the batches of one process: as many as are wanted, or by the limit where that is 0."""
    return wanted or max(LEAST_BYTES, int(memory_limit() * SHARE) // workers - KEPT_BYTES)


def memory_limit() -> int:
    """Bytes that this process and its siblings may have: the least of the machine's and its control groups'."""
    return min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_limits(CGROUPS, MEMBERSHIP)])


def _limits(cgroups: Path, membership: Path) -> Iterator[int]:
    """Of every group that this process is in, by both versions of Linux's control groups; elsewhere none."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top = cgroups / controllers if controllers else cgroups
        name = "memory.limit_in_bytes" if controllers else "memory.max"
        group = top / path.lstrip("/")
        while group.is_relative_to(top):  # a container may see itself as the top
            yield from _limit(group / name)
            group = group.parent


def _limit(file: Path) -> Iterator[int]:
    try:
        text = file.read_text().strip()
    except OSError:
        return
    if text.isdigit():  # else "max"
        yield int(text)


def give_back_large_blocks() -> None:
    """Have the allocator return large blocks to the system when they are freed. glibc alone keeps those it has seen."""
    try:
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
    except (OSError, AttributeError):  # another C library
        return
