"""Figures and tables in Markdown."""

from collections.abc import Sequence


def figure(value: float) -> str:
    """Return three significant digits, never an exponent: 0.0412, 1.76, 392, 12,345."""
    if value >= 100:
        return f"{value:,.0f}"
    digits = 3 - len(f"{int(value)}") if value >= 1 else 2
    while value and value < 10**-digits * 100 and digits < 6:
        digits += 1
    return f"{value:.{digits}f}"


def times(value: float) -> str:
    """Return a ratio with two digits or as a whole number: 0.087x, 0.87x, 1.4x, 23x, 223x."""
    if value < 1:
        return f"{value:#.2g}x" if 0 < value < 0.1 else f"{value:.2f}x"
    return f"{value:.1f}x" if value < 10 else f"{value:,.0f}x"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table: the first column is aligned left, the others right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
