"""The features of a model as functions of its inputs, in float32 as the library computes them, and their ranges."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import copysign, inf, nan
from typing import NamedTuple

from app.explanation.scales import INFINITE, exact, float32
from contract.derived import Projection, Ratio
from contract.schema import Contract

Span = tuple[float, float]  # lowest and highest value; (nan, nan) is missing
Numbers = Sequence[float]  # the inputs in the contract's order; NaN is missing


class Feature(NamedTuple):
    """One feature. `value` computes it from the inputs, `span` its range from theirs: None if it may be NaN there.

    `sources` are the places of the inputs that it depends on.
    """

    value: Callable[[Numbers], float]
    span: Callable[[Sequence[Span]], Span | None]
    sources: tuple[int, ...]


def features_of(contract: Contract) -> tuple[Feature, ...]:
    """Return all features of a contract, in order."""
    places = {name: place for place, name in enumerate(contract.input_names)}
    inputs = [_input(place) for place in places.values()]
    derived = [
        _ratio(feature, places) if isinstance(feature, Ratio) else _projection(feature, places)
        for feature in contract.derived
    ]
    return *inputs, *derived


def _input(place: int) -> Feature:
    return Feature(lambda numbers: numbers[place], lambda spans: spans[place], (place,))


def _ratio(ratio: Ratio, places: Mapping[str, int]) -> Feature:
    top, bottom = places[ratio.numerator], places[ratio.denominator]

    def value(numbers: Numbers) -> float:
        return divide(numbers[top], numbers[bottom])

    def span(spans: Sequence[Span]) -> Span | None:
        numerator, denominator = spans[top], spans[bottom]
        if any(map(_is_nan, (*numerator, *denominator))):
            return nan, nan
        if denominator[0] <= 0 <= denominator[1]:
            return None if numerator[0] <= 0 <= numerator[1] else (-inf, inf)
        # The denominator has one sign, so the extremes are at the corners.
        values = [divide(one, other) for one, other in product(numerator, denominator)]
        return min(values), max(values)

    return Feature(value, span, (top, bottom))


def divide(numerator: float, denominator: float) -> float:
    """Return a float32 quotient as the library computes it: infinite for a division by zero, NaN for 0/0.

    It is computed in double precision: rounded to float32, one division gives the same bits as in float32.
    """
    if denominator:
        return float32(exact(numerator) / exact(denominator))
    if not numerator or _is_nan(numerator):
        return nan
    return copysign(INFINITE, numerator) * copysign(1.0, denominator)


def _projection(projection: Projection, places: Mapping[str, int]) -> Feature:
    weights = [(places[name], weight) for name, weight in projection.float32_weights.items()]

    def total(terms: list[float]) -> float:
        found = terms[0]
        for term in terms[1:]:
            found = _rounded(found + term)
        return copysign(INFINITE, found) if found in (inf, -inf) else found

    def value(numbers: Numbers) -> float:
        return total([_rounded(exact(numbers[place]) * weight) for place, weight in weights])

    def span(spans: Sequence[Span]) -> Span | None:
        if any(_is_nan(spans[place][0]) for place, _ in weights):
            return nan, nan
        # Every rounded operation is monotonic, so the extremes are at the ends of the inputs' spans.
        low = total([_rounded(exact(spans[place][weight < 0]) * weight) for place, weight in weights])
        high = total([_rounded(exact(spans[place][weight >= 0]) * weight) for place, weight in weights])
        return None if _is_nan(low) or _is_nan(high) else (low, high)

    return Feature(value, span, tuple(place for place, _ in weights))


def _rounded(value: float) -> float:
    """Return the nearest float32 value, infinite if it is too large."""
    return exact(float32(value))


def _is_nan(value: float) -> bool:
    return value != value
