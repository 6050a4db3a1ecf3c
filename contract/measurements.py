"""The measurements of one bird: names, units, bounds and errors, written once.

The bounds are wider than what is typical, which is every adult *Pygoscelis* of the data set, and narrow enough to
catch another unit. The errors are an assumption of ours: how far two people with the same bird may be apart. The data
set's own steps, 0.1 mm of a bill, 1 mm of a flipper and 25 g, say how finely was read, not how well it repeats.
"""

from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta


def _bounds(minimum: float, maximum: float, unit: str, typical: tuple[float, float], error: float) -> Meta:
    extra = {"x-unit": unit, "x-typical": list(typical), "x-measurement-error": error}
    return Meta(ge=minimum, le=maximum, extra_json_schema=extra)


class Measurements(msgspec.Struct, frozen=True, gc=False):
    """One bird. Unknown fields are ignored; the last of repeated fields counts."""

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
    """One field of `Measurements`, as data. All numbers are in `unit`; `minimum` and `maximum` are inclusive.

    `typical` is the range of the birds on record, `error` how far a careful measurement may be off.
    """

    name: str
    unit: str
    description: str
    minimum: float
    maximum: float
    typical: tuple[float, float]
    error: float
    example: float


def _describe(name: str, hint: Any) -> Measurement:
    bounds, text = hint.__metadata__
    return Measurement(
        name=name,
        unit=bounds.extra_json_schema["x-unit"],
        description=text.description,
        minimum=bounds.ge,
        maximum=bounds.le,
        typical=tuple(bounds.extra_json_schema["x-typical"]),
        error=bounds.extra_json_schema["x-measurement-error"],
        example=text.examples[0],
    )


MEASUREMENTS: tuple[Measurement, ...] = tuple(
    _describe(name, hint) for name, hint in get_type_hints(Measurements, include_extras=True).items()
)
