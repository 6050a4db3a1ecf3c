"""The measurements of one bird: names, units and bounds, written once.

The bounds are wider than any adult *Pygoscelis* on record in the data set (bill 32-60 mm by 13-22 mm,
flipper 172-231 mm, mass 2,700-6,300 g) and narrow enough to catch another unit.
"""

from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta


class Measurements(msgspec.Struct, frozen=True, gc=False):
    """One bird. Unknown fields are ignored; the last of repeated fields counts."""

    bill_length_mm: Annotated[
        float,
        Meta(ge=20, le=80, description="Length of the bill's upper ridge", extra_json_schema={"x-unit": "mm"}, examples=[39.1]),
    ]
    bill_depth_mm: Annotated[
        float,
        Meta(ge=8, le=30, description="Depth of the bill at its base", extra_json_schema={"x-unit": "mm"}, examples=[18.7]),
    ]
    flipper_length_mm: Annotated[
        float, Meta(ge=120, le=280, description="Length of the flipper", extra_json_schema={"x-unit": "mm"}, examples=[181])
    ]
    body_mass_g: Annotated[float, Meta(ge=1500, le=9000, description="Body mass", extra_json_schema={"x-unit": "g"}, examples=[3750])]


class Measurement(msgspec.Struct, frozen=True):
    """One field of `Measurements`, as data. `minimum` and `maximum` are inclusive, in `unit`."""

    name: str
    unit: str
    description: str
    minimum: float
    maximum: float
    example: float


def _describe(name: str, hint: Any) -> Measurement:
    meta: Meta = hint.__metadata__[0]
    assert meta.extra_json_schema and meta.description and meta.examples and meta.ge is not None and meta.le is not None
    return Measurement(
        name=name,
        unit=meta.extra_json_schema["x-unit"],
        description=meta.description,
        minimum=meta.ge,
        maximum=meta.le,
        example=meta.examples[0],
    )


MEASUREMENTS: tuple[Measurement, ...] = tuple(
    _describe(name, hint) for name, hint in get_type_hints(Measurements, include_extras=True).items()
)
