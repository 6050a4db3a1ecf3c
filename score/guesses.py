"""Guess the mistake behind values that are out of bounds: a wrong unit, a slipped decimal point, swapped fields.

A guess is made only if one mistake (or one in the lengths and one in the mass) explains all values that are out of
bounds, if every corrected value is typical, and if no other mistake that is as simple gives another result. A
suggested body is always within the bounds.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from contract.schema import Input

UNITS = {  # by the expected unit: the unit a client may have used by mistake, and its size in the expected unit
    "mm": {"centimetres": 10.0, "inches": 25.4},
    "cm": {"millimetres": 0.1, "metres": 100.0, "inches": 2.54},
    "m": {"millimetres": 0.001, "centimetres": 0.01, "feet": 0.3048},
    "g": {"kilograms": 1000.0, "pounds": 453.59237},
    "kg": {"grams": 0.001, "pounds": 0.45359237},
}
SLIPS = (0.01, 0.1, 10.0, 100.0)  # factors that correct a slipped decimal point
MAX_FAULTY = 8  # values; with more, no single mistake explains them
DIGITS = 6  # significant digits of a suggested number: enough for any measurement, too few to show binary rounding

Values = tuple[Any, ...]  # in the contract's order
Inputs = Sequence[Input]


class Guess(msgspec.Struct, frozen=True):
    """A question to the client, and the corrected body that it suggests."""

    question: str
    suggestion: dict[str, Any]


def guess(inputs: Inputs, values: Values) -> Guess | None:
    """Return the only plausible mistake behind values that are out of bounds, or None if there is no such one."""
    faulty = [i for i, each in enumerate(inputs) if not _possible(values[i], each)]
    if len(faulty) > MAX_FAULTY or any(inputs[i].typical is None for i in faulty):
        return None
    units = {inputs[i].unit for i in faulty}
    swaps, corrections = list(_swaps(inputs, values, faulty)), list(_corrections(inputs, values, faulty))
    # A swap is one mistake, so it is simpler than two mistakes in two units.
    mistakes = swaps if swaps and len(units) > 1 else swaps + corrections
    if len({suggested for suggested, _ in mistakes}) != 1:
        return None
    suggested, question = mistakes[0]  # several mistakes may suggest the same numbers: the first is named
    names = [each.name for each in inputs]
    return Guess(question, {name: value for name, value in zip(names, suggested, strict=True) if value is not None})


def _swaps(inputs: Inputs, values: Values, faulty: list[int]) -> Iterator[tuple[Values, str]]:
    """Yield, for each two fields that are typical when swapped, the corrected values and the question."""
    if len(faulty) > 2:
        return
    others = [i for i, each in enumerate(inputs) if each.typical is not None and values[i] is not None]
    pairs = [faulty] if len(faulty) == 2 else [sorted((faulty[0], other)) for other in others if other != faulty[0]]
    for one, other in pairs:
        swapped = list(values)
        swapped[one], swapped[other] = values[other], values[one]
        if _typical(swapped[one], inputs[one]) and _typical(swapped[other], inputs[other]):
            yield (
                tuple(swapped),
                f"{_excerpt(inputs, values, one)} and {_excerpt(inputs, values, other)} look swapped: "
                f"did you mean {swapped[one]:g} and {swapped[other]:g}?",
            )


def _corrections(inputs: Inputs, values: Values, faulty: list[int]) -> Iterator[tuple[Values, str]]:
    """Yield values corrected for a wrong unit or a slipped decimal point, and the question.

    All faulty fields of one unit are corrected by the same factor.
    """
    by_unit: dict[str, list[int]] = {}
    for i in faulty:
        by_unit.setdefault(inputs[i].unit, []).append(i)
    choices: list[tuple[Values, list[str]]] = [(values, [])]
    for unit, fields in by_unit.items():
        different: dict[Values, list[str]] = {}  # questions by corrected values
        for corrected, questions in choices:
            for factor, looks in _factors(unit):
                if all(_typical(_round(values[i] * factor), inputs[i]) for i in fields):
                    meant = _scaled(corrected, fields, factor)
                    different.setdefault(meant, [*questions, _question(inputs, values, fields, factor, looks)])
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


def _question(inputs: Inputs, values: Values, fields: list[int], factor: float, looks: str) -> str:
    given = " and ".join(_excerpt(inputs, values, i) for i in fields)
    meant = " and ".join(f"{_round(values[i] * factor):g}" for i in fields)
    return f"{given} look{'s' if len(fields) == 1 else ''} {looks}: did you mean {meant}?"


def _round(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _excerpt(inputs: Inputs, values: Values, field: int) -> str:
    return f"{inputs[field].name} {values[field]:g}"


def _possible(value: Any, each: Input) -> bool:
    low, high = each.bounds
    return value is None or each.kind in ("boolean", "category") or low <= value <= high


def _typical(value: float, each: Input) -> bool:
    assert each.typical is not None
    low, high = each.typical
    return low <= value <= high and (each.kind == "number" or value == int(value))
