"""What processes take from the machine: CPU, memory, descriptors. From /proc; elsewhere only what there is."""

import os
import resource
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from app.exposition import Counts
from app.families import CPU, MEMORY, MOST_FILES, OPEN_FILES, STARTED

NANOSECONDS = 1_000_000_000
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_imported = time.monotonic()
_highest = [0]  # CPU time that was reported: rounding must not take it back


def age_seconds(process: str = "self") -> float:
    """Since the process was started, in steps of a hundredth."""
    if sys.platform != "linux":
        return time.monotonic() - _imported
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(_stat(process)[19]) / _TICKS


def _stat(process: str) -> list[str]:
    """Its fields from the third on, the state, as proc(5) numbers them."""
    return Path(f"/proc/{process}/stat").read_text("ascii", "replace").rpartition(")")[2].split()


def figures(children: Sequence[int] = ()) -> Counts:
    """Of this process and its live `children`; CPU time also of those that have ended."""
    cpu = time.process_time_ns()
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu += int((ended.ru_utime + ended.ru_stime) * NANOSECONDS)
    memory = files = 0
    for process in map(str, ("self", *children)):
        with suppress(OSError, IndexError):  # it has just ended, or there is no /proc
            fields = _stat(process)
            memory += int(fields[21]) * _PAGE
            files += len(os.listdir(f"/proc/{process}/fd"))
            if process != "self":
                cpu += (int(fields[11]) + int(fields[12])) * NANOSECONDS // _TICKS
    _highest[0] = max(_highest[0], cpu)
    return {
        CPU: [_highest[0]],
        MEMORY: [memory],
        OPEN_FILES: [files],
        MOST_FILES: [resource.getrlimit(resource.RLIMIT_NOFILE)[0]],
        STARTED: [int((time.time() - age_seconds()) * NANOSECONDS)],
    }
