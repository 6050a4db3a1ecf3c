"""What a figure depends on besides the code: the machine, the checkout and the versions."""

import contextlib
import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from compile.processor import processor_name

ROOT = Path(__file__).parent.parent


def heading(title: str, command: str, packages: Iterable[str] = ()) -> list[str]:
    """Return the first lines of a page, in Markdown: what made it, when, where, and with which packages."""
    made = f"Made by `{command}`; do not edit. {date.today()}, commit {commit() or 'unknown'}."
    machine = f"{processor_name()}, {os.cpu_count()} shared cores, {', '.join(versions(packages))}."
    return [f"# {title}", "", made, machine, ""]


def commit() -> str:
    """Return the commit of this checkout, with a plus if files have changed since; empty if there is none."""
    git = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    return subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def versions(packages: Iterable[str]) -> list[str]:
    """Return Python and those of the packages that are installed, with their versions."""
    found = [f"Python {platform.python_version()}"]
    for package in packages:
        with contextlib.suppress(PackageNotFoundError):
            found.append(f"{package} {version(package)}")
    return found
