"""Gauss-Legendre quadrature on 0 to 1: the integral of a polynomial as a sum over a few points, without error."""

from functools import cache
from math import cos, pi

NEWTON_STEPS = 100  # of which five or six are taken
CLOSE = 1e-15


@cache  # lifetime: process; as many rules as the longest path has features, halved
def rule(points: int) -> tuple[tuple[float, float], ...]:
    """Return `points` pairs of a point and its weight. They are exact for polynomials of degree 2 * `points` - 1."""
    return tuple(_pair(points, place) for place in range(points))


def _pair(points: int, place: int) -> tuple[float, float]:
    """Return a root of the Legendre polynomial of degree `points`, by Newton's method, and its weight."""
    x = cos(pi * (place + 0.75) / (points + 0.5))  # Tricomi's estimate
    for _ in range(NEWTON_STEPS):
        value, slope = _legendre(points, x)
        x -= value / slope
        if abs(value / slope) < CLOSE:
            break
    _, slope = _legendre(points, x)
    return (1 - x) / 2, 1 / ((1 - x * x) * slope * slope)


def _legendre(degree: int, x: float) -> tuple[float, float]:
    """Return the value and the slope of the Legendre polynomial of `degree` at `x`, which is between -1 and 1."""
    before, value = 1.0, x
    for k in range(2, degree + 1):
        before, value = value, ((2 * k - 1) * x * value - (k - 1) * before) / k
    return value, degree * (x * value - before) / (x * x - 1)
