"""The measurements of one bird: names, units, bounds and errors. They are defined only here.

The typical range covers every adult *Pygoscelis* of the data set. The bounds are wider, but narrow enough to catch a
value in another unit. The errors are our assumption: how far two people who measure the same bird may differ. The steps
of the data set (0.1 mm for bills, 1 mm for flippers, 25 g) only tell how finely the instruments were read.
"""

from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta

from contract.drift import CONFIDENCE, SPECIES_VARIABLE
from contract.refusal import Refusal

RESERVED = (SPECIES_VARIABLE, CONFIDENCE)  # drift also has variables of these names


def _bounds(minimum: float, maximum: float, unit: str, typical: tuple[float, float], error: float) -> Meta:
    extra = {"x-unit": unit, "x-typical": list(typical), "x-measurement-error": error}
    return Meta(ge=minimum, le=maximum, extra_json_schema=extra)


class Measurements(msgspec.Struct, frozen=True, gc=False):
    """The measurements of one bird. Unknown fields are ignored. If a field is repeated, the last value wins."""

    bill_length_mm: Annotated[
        float,
        _bounds(20, 80, "mm", typical=(32, 60), error=0.5),
        Meta(description="Length of the bill's upper ridge", examples=[39.1]),
    ]
    bill_depth_mm: Annotated[
        float,
        _bounds(8, 30, "mm", typical=(13, 22), error=0.5),
        Meta(description="Depth of the bill at its base", examples=[18.7]),
    ]
    flipper_length_mm: Annotated[
        float,
        _bounds(120, 280, "mm", typical=(172, 231), error=2),
        Meta(description="Length of the flipper", examples=[181]),
    ]
    body_mass_g: Annotated[
        float, _bounds(1500, 9000, "g", typical=(2700, 6300), error=50), Meta(description="Body mass", examples=[3750])
    ]


class Measurement(msgspec.Struct, frozen=True):
    """One field of `Measurements`, as data. All numbers are in `unit`, which is empty if there is no unit.

    `minimum` and `maximum` are inclusive. `typical` is the range of the birds on record. `error` is how far a careful
    measurement may be off.
    """

    name: str
    unit: str
    description: str
    minimum: float
    maximum: float
    typical: tuple[float, float]
    error: float
    example: float

    def in_unit(self, amount: str) -> str:
        """Return an amount followed by the unit, if there is one."""
        return f"{amount} {self.unit}" if self.unit else amount


def describe(name: str, hint: Any) -> Measurement:
    """Return one annotation of `Measurements` as data. Raises Refusal if it is not written like the others."""
    try:
        bounds, text = hint.__metadata__
        given: dict[str, Any] = {
            "name": name,
            "unit": bounds.extra_json_schema["x-unit"],
            "description": text.description,
            "minimum": bounds.ge,
            "maximum": bounds.le,
            "typical": tuple(bounds.extra_json_schema["x-typical"]),
            "error": bounds.extra_json_schema["x-measurement-error"],
            "example": (text.examples or [None])[0],
        }
        msgspec.convert(given, Measurement)  # raises if a type is wrong
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise _refusal(name, "Annotated[float, _bounds(...), Meta(description=..., examples=[...])]") from error
    return _checked(Measurement(**given), hint.__origin__)  # keeps the numbers as they are written: 2, not 2.0


def _checked(measurement: Measurement, kind: object) -> Measurement:
    """Return the measurement if the service can use it. Raises Refusal otherwise."""
    name, (low, high) = measurement.name, measurement.typical
    if kind is not float:
        raise _refusal(name, "a float, also for counts")
    if name in RESERVED:
        raise _refusal(name, f"another name: drift uses {' and '.join(RESERVED)} for the answers")
    if not measurement.minimum <= low <= high <= measurement.maximum:
        raise _refusal(name, f"bounds that contain the typical range, found {_numbers(measurement)}")
    if not measurement.minimum <= measurement.example <= measurement.maximum:
        raise _refusal(name, f"an example within its bounds, found {measurement.example:g}")
    if not measurement.error >= 0:
        raise _refusal(name, f"an error of 0 or more, found {measurement.error:g}")
    return measurement


def _numbers(measurement: Measurement) -> str:
    low, high = measurement.typical
    return f"{measurement.minimum:g} to {measurement.maximum:g}, typical {low:g} to {high:g}"


def _refusal(name: str, expected: str) -> Refusal:
    return Refusal(f"contract/measurements.py: {name}: expected {expected}; edit it there")


MEASUREMENTS: tuple[Measurement, ...] = tuple(
    describe(name, hint) for name, hint in get_type_hints(Measurements, include_extras=True).items()
)
