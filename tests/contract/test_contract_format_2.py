"""What bundles of format 2 imply."""

import msgspec

from contract.derived import Ratio
from contract.format_2 import CONTRACT, INTERFACE
from contract.reading import PENGUINS, read_contract
from contract.schema import difference


def test_format_2_implies_the_penguins_contract() -> None:
    """The penguins' contract, without the projections that it has since, is the one that bundles of format 2 imply."""
    penguins = read_contract(PENGUINS)
    ratios = tuple(each for each in penguins.derived if isinstance(each, Ratio))
    assert msgspec.structs.replace(penguins, derived=ratios) == CONTRACT
    assert difference(CONTRACT, penguins) is None  # so clients see no difference


def test_the_interface_of_format_2_is_the_published_one() -> None:
    """The names in manifests of format 2 are those that were published."""
    measurements = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
    assert (INTERFACE.measurements, INTERFACE.units) == (measurements, ("mm", "mm", "mm", "g"))
    assert INTERFACE.features == (
        *measurements,
        *(f"{above}/{below}" for i, above in enumerate(measurements) for below in measurements[i + 1 :]),
    )
    assert INTERFACE.classes == ("Gentoo", "Chinstrap", "Adelie")
