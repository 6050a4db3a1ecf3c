"""The memory budget for batches: each batch claims its bytes before it allocates them, or is refused.

The system kills a container that needs more memory than its limit, and all requests in it are lost. So the limit is
looked up once, a part of it is reserved for everything else, and a batch starts only if its memory is available.
"""

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from types import TracebackType

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
KEPT_BYTES = 48 << 20  # reserved for one process without its connections and batches
UNCOUNTED_BYTES = 8 << 10  # buffered bytes of one connection that are not counted: a small request is always read
CONNECTION_BYTES = UNCOUNTED_BYTES + (24 << 10)  # reserved for one connection, with its Python objects
HELD_BYTES = 32 << 20  # buffered bytes of all connections above UNCOUNTED_BYTES: unfinished, waiting or unread
SMALL_BYTES = 16 << 20  # reserved for small batches and their answers; large batches cannot use it
SHARE = 0.75  # the part of the limit that is planned with: the allocator does not return all freed memory at once
LEAST_BYTES = 4 << 20  # budget for large batches, even if the limit leaves less

M_MMAP_THRESHOLD = -3  # parameter number of glibc's mallopt, malloc.h
LARGE_BYTES = 1 << 17  # blocks from this size on are returned at once; the pieces of an answer are larger


class Memory:
    """A budget of `total` bytes. Safe to use from any thread."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._free = total
        self._lock = Lock()

    def take(self, size: int) -> bool:
        """Take `size` bytes from the budget. Return False, and take nothing, if fewer are free."""
        with self._lock:
            if size > self._free:
                return False
            self._free -= size
            return True

    def give(self, size: int) -> None:
        """Return `size` bytes to the budget."""
        with self._lock:
            self._free += size


class NoMemory(Exception):
    """Raised if a request needs more memory than is free."""


class Claim:
    """The bytes of a budget that one request holds. They are returned to it at the end of the `with` block."""

    def __init__(self, memory: Memory) -> None:
        self.total = memory.total
        self.size = 0
        self._memory = memory

    def grow(self, size: int) -> bool:
        """Claim `size` more bytes. Return False, and claim nothing, if fewer are free."""
        taken = self._memory.take(size)
        if taken:
            self.size += size
        return taken

    def need(self, size: int) -> None:
        """Claim `size` more bytes. Raises NoMemory, and claims nothing, if fewer are free."""
        if not self.grow(size):
            raise NoMemory

    def __enter__(self) -> "Claim":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._memory.give(self.size)
        self.size = 0


def batch_memory(wanted: int, workers: int, connections: int) -> int:
    """Return the bytes for the large batches of one process: `wanted`, or what the memory limit leaves if it is 0.

    Each of the `workers` processes may have up to `connections` connections.
    """
    others = KEPT_BYTES + connections * CONNECTION_BYTES + HELD_BYTES + SMALL_BYTES
    return wanted or max(LEAST_BYTES, int(memory_limit() * SHARE) // workers - others)


def memory_limit() -> int:
    """Return the bytes that all processes of the service may use: the lowest limit of the machine and its cgroups."""
    return min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_limits(CGROUPS, MEMBERSHIP)])


def _limits(cgroups: Path, membership: Path) -> Iterator[int]:
    """Yield the memory limits of this process's control groups, versions 1 and 2. Outside Linux there are none.

    `cgroups` is the mount point; `membership` is the file that lists the groups, see cgroups(7).
    """
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
        while group.is_relative_to(top):  # in a container its own group may be mounted at the top
            yield from _limit(group / name)
            group = group.parent


def _limit(file: Path) -> Iterator[int]:
    try:
        text = file.read_text().strip()
    except OSError:
        return
    if text.isdigit():  # "max" means no limit
        yield int(text)


def give_back_large_blocks() -> None:
    """Make the allocator return large blocks to the system when they are freed. By default glibc keeps them."""
    try:
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
    except (OSError, AttributeError):  # a C library without mallopt
        return
