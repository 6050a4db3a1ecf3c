"""What a figure depends on besides the code: the machine, the interpreter and the versions."""

import contextlib
import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from compile.processor import processor_name

ROOT = Path(__file__).parent.parent


class Made(msgspec.Struct, frozen=True):
    """When, where and with which packages a result was measured."""

    date: str
    commit: str
    machine: str
    versions: dict[str, str]

    def words(self, command: str) -> str:
        """Return the first lines of a page."""
        packages = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        begins = f"Made by `{command}`; do not edit. {self.date}, commit {self.commit or 'unknown'}."
        return f"{begins}\n{self.machine}; {packages}."


def made_here(packages: Iterable[str]) -> Made:
    """Describe this moment, this checkout, this machine, and those of the packages that are installed."""
    found = {"Python": platform.python_version()}
    for package in packages:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    git = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    commit = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    machine = f"{processor_name()}, {os.cpu_count()} shared cores, {platform.platform()}"
    return Made(datetime.now(UTC).isoformat(timespec="seconds"), commit, machine, found)


def heading(title: str, command: str) -> list[str]:
    """Return the first lines of a page, in Markdown: what made it, when and where."""
    made = f"Made by `{command}`; do not edit. {date.today()}, {processor_name()}, {os.cpu_count()} shared cores."
    return [f"# {title}", "", made, ""]
