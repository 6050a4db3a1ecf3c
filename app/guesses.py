"""What may have been meant by measurements that no penguin has: another unit, a decimal point, two fields swapped.

One mistake, or one in the lengths and one in the mass, has to explain everything that is wrong and leave every
corrected field typical, and no other as simple may do so with another result; else nothing is said. A suggested body
is always within the bounds.
"""

from collections.abc import Iterator
from itertools import combinations

import msgspec
from msgspec.structs import astuple

from contract.measurements import MEASUREMENTS, Measurement, Measurements

UNITS = {  # what a number may have been given in: by the unit that was expected, how many of these it is
    "mm": {"centimetres": 10.0, "inches": 25.4},
    "g": {"kilograms": 1000.0, "pounds": 453.59237},
}
SLIPS = (0.01, 0.1, 10.0, 100.0)  # of a decimal point
DIGITS = 6  # of a suggested number: more than anybody measures, fewer than binary fractions show

Values = tuple[float, ...]  # in the order of MEASUREMENTS


class Guess(msgspec.Struct, frozen=True):
    """A question to a person, and the body that it suggests."""

    question: str
    suggestion: Measurements


def guess(measurements: Measurements) -> Guess | None:
    """The only plausible mistake behind measurements of which some are out of bounds, or None."""
    values: Values = astuple(measurements)
    faulty = [i for i, measurement in enumerate(MEASUREMENTS) if not _possible(values[i], measurement)]
    units = {MEASUREMENTS[i].unit for i in faulty}
    swaps, corrections = list(_swaps(values, faulty)), list(_corrections(values, faulty))
    # A swap is one mistake, and so simpler than one in each of two units.
    found = swaps if swaps and len(units) > 1 else swaps + corrections
    if len({suggested for suggested, _ in found}) != 1:
        return None
    suggested, question = found[0]  # of several names for the same numbers, the first
    return Guess(question, Measurements(*suggested))


def _swaps(values: Values, faulty: list[int]) -> Iterator[tuple[Values, str]]:
    """Two fields that make a bird the other way round."""
    for one, other in combinations(range(len(values)), 2):
        if not set(faulty) <= {one, other}:
            continue
        swapped = list(values)
        swapped[one], swapped[other] = values[other], values[one]
        if _typical(swapped[one], MEASUREMENTS[one]) and _typical(swapped[other], MEASUREMENTS[other]):
            yield (
                tuple(swapped),
                f"{_shown(values, one)} and {_shown(values, other)} look swapped: "
                f"did you mean {swapped[one]:g} and {swapped[other]:g}?",
            )


def _corrections(values: Values, faulty: list[int]) -> Iterator[tuple[Values, str]]:
    """Faulty fields in a wrong unit or with a slipped point: all of one unit in the same way."""
    by_unit: dict[str, list[int]] = {}
    for i in faulty:
        by_unit.setdefault(MEASUREMENTS[i].unit, []).append(i)
    choices: list[tuple[Values, list[str]]] = [(values, [])]
    for unit, fields in by_unit.items():
        choices = [
            (_scaled(corrected, fields, factor), [*said, _question(values, fields, factor, looks)])
            for corrected, said in choices
            for factor, looks in _factors(unit)
            if all(_typical(_round(values[i] * factor), MEASUREMENTS[i]) for i in fields)
        ]
    for corrected, said in choices:
        yield corrected, " ".join(said)


def _factors(unit: str) -> Iterator[tuple[float, str]]:
    for name, factor in UNITS.get(unit, {}).items():
        yield factor, f"like {name}"
    for factor in SLIPS:
        yield factor, "like a slipped decimal point"


def _scaled(values: Values, fields: list[int], factor: float) -> Values:
    return tuple(_round(value * factor) if i in fields else value for i, value in enumerate(values))


def _question(values: Values, fields: list[int], factor: float, looks: str) -> str:
    given = " and ".join(_shown(values, i) for i in fields)
    meant = " and ".join(f"{_round(values[i] * factor):g}" for i in fields)
    return f"{given} look{'s' if len(fields) == 1 else ''} {looks}: did you mean {meant}?"


def _round(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _shown(values: Values, field: int) -> str:
    return f"{MEASUREMENTS[field].name} {values[field]:g}"


def _possible(value: float, measurement: Measurement) -> bool:
    return measurement.minimum <= value <= measurement.maximum


def _typical(value: float, measurement: Measurement) -> bool:
    low, high = measurement.typical
    return low <= value <= high
