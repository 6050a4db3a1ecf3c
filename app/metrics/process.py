"""The resources that processes use: CPU time, memory and file descriptors, from /proc. Without /proc, some are 0."""

import os
import resource
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from app.metrics.exposition import Counts
from app.metrics.families import CPU, MAX_FILES, MEMORY, OPEN_FILES, STARTED, WORKER_ENDS, WORKERS, series

NANOSECONDS = 1_000_000_000
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_imported = time.monotonic()
_highest = [0]  # highest CPU time that was reported, in nanoseconds: a counter must not fall because of rounding


def age_seconds(process: str = "self") -> float:
    """Return the seconds since the process was started, to a hundredth. Outside Linux: since this module's import."""
    if sys.platform != "linux":
        return time.monotonic() - _imported
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(_stat(process)[19]) / _TICKS


def _stat(process: str) -> list[str]:
    """Return the fields of /proc/PID/stat from the third one (state) on: index i is field i + 3 of proc_pid_stat(5)."""
    return Path(f"/proc/{process}/stat").read_text("ascii", "replace").rpartition(")")[2].split()


# Lifetime: process. Read once: each reading differs by microseconds, and a change would look like a restart.
_started = time.time() - age_seconds()


def workers(wanted: int, alive: int, ends: int) -> Counts:
    """Return the cells of the number of workers: how many are wanted, are alive, and ended without being told to."""
    return {
        series(WORKERS, state="wanted"): [wanted],
        series(WORKERS, state="alive"): [alive],
        WORKER_ENDS: [ends],
    }


def figures(children: Sequence[int] = ()) -> Counts:
    """Return the resources of this process and its live `children`. CPU time includes children that have ended."""
    cpu = time.process_time_ns()
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu += int((ended.ru_utime + ended.ru_stime) * NANOSECONDS)
    memory = files = 0
    for process in map(str, ("self", *children)):
        with suppress(OSError, IndexError):  # the process has just ended, or there is no /proc
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
        MAX_FILES: [resource.getrlimit(resource.RLIMIT_NOFILE)[0]],
        STARTED: [int(_started * NANOSECONDS)],
    }
