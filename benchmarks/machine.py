"""What a figure depends on besides the code: the machine, the interpreter and the versions."""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.compiled import ROOT
from benchmarks.results import Machine

PACKAGES = ("xgboost", "treelite", "tl2cgen", "onnxruntime", "onnxmltools", "numpy", "msgspec", "orjson")


def this_machine(instruction_sets: int) -> Machine:
    """The machine this process runs on."""
    return Machine(_cpu(), os.cpu_count() or 1, platform.platform(), sys.version.split()[0], instruction_sets)


def heading(title: str, command: str) -> list[str]:
    """The first lines of a page, in Markdown: what made it, when and where."""
    machine = this_machine(1)
    made = f"Made by `{command}`; do not edit. {date.today()}, {machine.cpu}, {machine.cores} shared cores."
    return [f"# {title}", "", made, ""]


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Of those that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """The commit that is checked out, with a + where files differ from it; empty outside a repository."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""
