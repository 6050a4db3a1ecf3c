"""Guess the mistake behind measurements that no penguin has: a wrong unit, a slipped decimal point, swapped fields.

A guess is made only if one mistake (or one in the lengths and one in the mass) explains all values that are out of
bounds, if every corrected value is typical, and if no other mistake that is as simple gives another result. A
suggested body is always within the bounds.
"""

from collections.abc import Iterator
from itertools import combinations

import msgspec
from msgspec.structs import astuple

from contract.measurements import MEASUREMENTS, Measurement, Measurements

UNITS = {  # by the expected unit: the unit a client may have used by mistake, and its size in the expected unit
    "mm": {"centimetres": 10.0, "inches": 25.4},
    "g": {"kilograms": 1000.0, "pounds": 453.59237},
}
SLIPS = (0.01, 0.1, 10.0, 100.0)  # factors that correct a slipped decimal point
DIGITS = 6  # significant digits of a suggested number: enough for any measurement, too few to show binary rounding

Values = tuple[float, ...]  # in the order of MEASUREMENTS


class Guess(msgspec.Struct, frozen=True):
    """A question to the client, and the corrected body that it suggests."""

    question: str
    suggestion: Measurements


def guess(measurements: Measurements) -> Guess | None:
    """Return the only plausible mistake behind measurements that are out of bounds, or None if there is no such one."""
    values: Values = astuple(measurements)
    faulty = [i for i, measurement in enumerate(MEASUREMENTS) if not _possible(values[i], measurement)]
    units = {MEASUREMENTS[i].unit for i in faulty}
    swaps, corrections = list(_swaps(values, faulty)), list(_corrections(values, faulty))
    # A swap is one mistake, so it is simpler than two mistakes in two units.
    mistakes = swaps if swaps and len(units) > 1 else swaps + corrections
    if len({suggested for suggested, _ in mistakes}) != 1:
        return None
    suggested, question = mistakes[0]  # several mistakes may suggest the same numbers: the first is named
    return Guess(question, Measurements(*suggested))


def _swaps(values: Values, faulty: list[int]) -> Iterator[tuple[Values, str]]:
    """Yield, for each two fields that are typical when swapped, the corrected values and the question."""
    if len(faulty) > 2:
        return
    for one, other in combinations(range(len(values)), 2):
        if not set(faulty) <= {one, other}:
            continue
        swapped = list(values)
        swapped[one], swapped[other] = values[other], values[one]
        if _typical(swapped[one], MEASUREMENTS[one]) and _typical(swapped[other], MEASUREMENTS[other]):
            yield (
                tuple(swapped),
                f"{_excerpt(values, one)} and {_excerpt(values, other)} look swapped: "
                f"did you mean {swapped[one]:g} and {swapped[other]:g}?",
            )


def _corrections(values: Values, faulty: list[int]) -> Iterator[tuple[Values, str]]:
    """Yield values corrected for a wrong unit or a slipped decimal point, and the question.

    All faulty fields of one unit are corrected by the same factor.
    """
    by_unit: dict[str, list[int]] = {}
    for i in faulty:
        by_unit.setdefault(MEASUREMENTS[i].unit, []).append(i)
    choices: list[tuple[Values, list[str]]] = [(values, [])]
    for unit, fields in by_unit.items():
        different: dict[Values, list[str]] = {}  # questions by corrected values
        for corrected, questions in choices:
            for factor, looks in _factors(unit):
                if all(_typical(_round(values[i] * factor), MEASUREMENTS[i]) for i in fields):
                    meant = _scaled(corrected, fields, factor)
                    different.setdefault(meant, [*questions, _question(values, fields, factor, looks)])
        choices = list(different.items())[:2]  # two choices are already ambiguous: more must not multiply
    for corrected, questions in choices:
        yield corrected, " ".join(questions)


def _factors(unit: str) -> Iterator[tuple[float, str]]:
    for name, factor in UNITS.get(unit, {}).items():
        yield factor, f"like {name}"
    for factor in SLIPS:
        yield factor, "like a slipped decimal point"


def _scaled(values: Values, fields: list[int], factor: float) -> Values:
    return tuple(_round(value * factor) if i in fields else value for i, value in enumerate(values))


def _question(values: Values, fields: list[int], factor: float, looks: str) -> str:
    given = " and ".join(_excerpt(values, i) for i in fields)
    meant = " and ".join(f"{_round(values[i] * factor):g}" for i in fields)
    return f"{given} look{'s' if len(fields) == 1 else ''} {looks}: did you mean {meant}?"


def _round(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _excerpt(values: Values, field: int) -> str:
    return f"{MEASUREMENTS[field].name} {values[field]:g}"


def _possible(value: float, measurement: Measurement) -> bool:
    return measurement.minimum <= value <= measurement.maximum


def _typical(value: float, measurement: Measurement) -> bool:
    low, high = measurement.typical
    return low <= value <= high
