"""Pieces of Markdown. A text from elsewhere, such as a name in a contract, never becomes markup."""

import re
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"([\\`*_\[\]<>|&~#!$])")


def plain(text: str) -> str:
    """Return a text as Markdown that shows it as it is, on one line."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Return a text in the type of code. It has no line breaks; a bar is escaped, as in a table it must be."""
    found = " ".join(text.split())
    if "`" in found or "|" in found or not found:  # inside backticks nothing can be escaped
        return plain(found)
    return f"`{found}`"


def heading(level: int, text: str) -> str:
    """Return a heading."""
    return f"{'#' * level} {text}"


def bullets(items: Iterable[str]) -> str:
    """Return a list, an item a line."""
    return "\n".join(f"- {item}" for item in items)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """Return a table. The last `numbers` columns are set to the right."""
    words = len(header) - numbers
    rule = ["---"] * words + ["--:"] * numbers
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))


def joined(parts: Iterable[str]) -> str:
    """Return the parts of a page with an empty line between them. Empty parts are left out."""
    return "\n\n".join(part for part in parts if part) + "\n"
