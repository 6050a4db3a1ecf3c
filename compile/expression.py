"""C expressions that the contract's functions compute with in place of columns."""

import math


class Expression:
    """A C expression of type float. Its arithmetic writes C, in the order of the operations."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __truediv__(self, denominator: "Expression") -> "Expression":
        return Expression(f"{self.text} / {denominator.text}")

    def __mul__(self, factor: float) -> "Expression":
        return Expression(f"({self.text} * {literal(factor)})")

    def __add__(self, other: "Expression") -> "Expression":
        return Expression(f"({self.text} + {other.text})")


def literal(value: float) -> str:
    """Return a float32 value as a C literal, exactly."""
    return f"{value.hex()}f" if math.isfinite(value) else "-INFINITY" if value < 0 else "INFINITY"
