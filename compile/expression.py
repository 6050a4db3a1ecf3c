"""C written by the functions of the contract that compute with columns."""


class Expression:
    """A C expression of type float that calculates like a float32 column."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __truediv__(self, denominator: "Expression") -> "Expression":
        return Expression(f"{self.text} / {denominator.text}")

    def __sub__(self, other: float) -> "Expression":
        return Expression(f"({self.text} - {literal(other)})")

    def __mul__(self, other: "float | Expression") -> "Expression":
        return Expression(f"({self.text} * {other.text if isinstance(other, Expression) else literal(other)})")

    def __add__(self, other: "Expression") -> "Expression":
        return Expression(f"({self.text} + {other.text})")


def literal(value: float) -> str:
    """A float32 value as C, exactly."""
    return f"{value.hex()}f"
