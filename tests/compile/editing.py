"""Mistakes in generated C."""

from collections.abc import Callable
from pathlib import Path


def edit(name: str, old: str, new: str, count: int = 1) -> Callable[[Path], None]:
    """Change the first occurrences of some text in a file of C, or all of them with a count of -1."""

    def change(directory: Path) -> None:
        text = (directory / name).read_text()
        assert old in text
        (directory / name).write_text(text.replace(old, new, count))

    return change
