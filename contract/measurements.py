"""The measurements of one bird: names, units and bounds, written once.

The bounds are wider than any adult *Pygoscelis* on record in the data set (bill 32-60 mm by 13-22 mm,
flipper 172-231 mm, mass 2,700-6,300 g) and narrow enough to catch another unit.
"""

from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta


def _bounds(minimum: float, maximum: float, unit: str) -> Meta:
    return Meta(ge=minimum, le=maximum, extra_json_schema={"x-unit": unit})


class Measurements(msgspec.Struct, frozen=True, gc=False):
    """One bird. Unknown fields are ignored; the last of repeated fields counts."""

    bill_length_mm: Annotated[
        float, _bounds(20, 80, "mm"), Meta(description="Length of the bill's upper ridge", examples=[39.1])
    ]
    bill_depth_mm: Annotated[
        float, _bounds(8, 30, "mm"), Meta(description="Depth of the bill at its base", examples=[18.7])
    ]
    flipper_length_mm: Annotated[
        float, _bounds(120, 280, "mm"), Meta(description="Length of the flipper", examples=[181])
    ]
    body_mass_g: Annotated[float, _bounds(1500, 9000, "g"), Meta(description="Body mass", examples=[3750])]


class Measurement(msgspec.Struct, frozen=True):
    """One field of `Measurements`, as data. `minimum` and `maximum` are inclusive, in `unit`."""

    name: str
    unit: str
    description: str
    minimum: float
    maximum: float
    example: float


def _describe(name: str, hint: Any) -> Measurement:
    bounds, text = hint.__metadata__
    return Measurement(
        name=name,
        unit=bounds.extra_json_schema["x-unit"],
        description=text.description,
        minimum=bounds.ge,
        maximum=bounds.le,
        example=text.examples[0],
    )


MEASUREMENTS: tuple[Measurement, ...] = tuple(
    _describe(name, hint) for name, hint in get_type_hints(Measurements, include_extras=True).items()
)
