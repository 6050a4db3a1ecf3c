"""A contract that somebody has edited: what cannot be meant so is refused by name."""

from typing import Annotated, Any

import pytest
from msgspec import Meta

from contract.measurements import Measurement, describe
from contract.refusal import Refusal
from contract.species import check_names

TEXT = Meta(description="Body mass", examples=[3750])


def bounds(
    low: float, high: float, unit: Any = "g", typical: tuple[float, ...] = (2700, 6300), error: Any = 50
) -> Meta:
    extra = {"x-unit": unit, "x-typical": list(typical), "x-measurement-error": error}
    return Meta(ge=low, le=high, extra_json_schema=extra)


def test_a_unit_may_be_absent() -> None:
    """An amount without a unit has no blank in its place."""
    mass, share = (describe("x", Annotated[float, bounds(1500, 9000, unit), TEXT]) for unit in ("g", ""))
    assert isinstance(share, Measurement)
    assert [measurement.in_unit("1") for measurement in (mass, share)] == ["1 g", "1"]


@pytest.mark.parametrize(
    ("name", "hint", "told"),
    [
        ("x", float, r"x: expected Annotated\[float, _bounds"),
        ("x", Annotated[float, TEXT], r"x: expected Annotated\[float, _bounds"),
        ("x", Annotated[float, bounds(1500, 9000), Meta(description="x")], r"x: expected Annotated\[float, _bounds"),
        ("x", Annotated[float, bounds(1500, 9000, unit=None), TEXT], r"x: expected Annotated\[float, _bounds"),
        ("x", Annotated[float, bounds(1500, 9000, typical=(1, 2, 3)), TEXT], r"x: expected Annotated\[float, _bounds"),
        ("x", Annotated[int, bounds(1500, 9000), TEXT], "x: expected a float, also for counts"),
        ("species", Annotated[float, bounds(1500, 9000), TEXT], "species: expected another name"),
        ("confidence", Annotated[float, bounds(1500, 9000), TEXT], "confidence: expected another name"),
        ("x", Annotated[float, bounds(9000, 1500), TEXT], "found 9000 to 1500, typical 2700 to 6300"),
        ("x", Annotated[float, bounds(3000, 9000), TEXT], "found 3000 to 9000, typical 2700 to 6300"),
        ("x", Annotated[float, bounds(1500, 3000, typical=(2000, 2500)), TEXT], "an example within its bounds"),
        ("x", Annotated[float, bounds(1500, 9000, error=-1), TEXT], "an error of 0 or more, found -1"),
        ("x", Annotated[float, bounds(1500, 9000, error=float("nan")), TEXT], "an error of 0 or more, found nan"),
    ],
)
def test_a_measurement_that_cannot_be_is_refused(name: str, hint: Any, told: str) -> None:
    """A faulty measurement is refused with its name and what was expected."""
    with pytest.raises(Refusal, match=told):
        describe(name, hint)


@pytest.mark.parametrize("names", [("Iris-setosa", "class", ""), ("\n", '"', "\u00e9", "e\u0301"), ("x" * 10_000,)])
def test_any_text_is_a_species(names: tuple[str, ...]) -> None:
    """Any text is a species, not only an identifier."""
    check_names(names)


@pytest.mark.parametrize(
    ("names", "told"), [((), "at least one"), ((1,), "found 1"), (("a", None), "None"), (("\ud800",), "ud800")]
)
def test_what_is_no_text_is_no_species(names: tuple[object, ...], told: str) -> None:
    """A lone surrogate is refused as a species, because it cannot be sent."""
    with pytest.raises(Refusal, match=f"contract/species.py: .*{told}"):
        check_names(names)
