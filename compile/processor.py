"""The name of this machine's processor, for the certificate and the benchmarks."""

import platform
from pathlib import Path


def processor_name() -> str:
    """Return the name from /proc/cpuinfo, or else what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
