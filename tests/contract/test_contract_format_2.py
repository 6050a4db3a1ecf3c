"""What bundles of format 2 imply."""

from contract.format_2 import CONTRACT, INTERFACE
from contract.reading import PENGUINS, read_contract


def test_format_2_implies_the_penguins_contract() -> None:
    """The contract of the penguins is the one that bundles of format 2 were made for."""
    assert read_contract(PENGUINS) == CONTRACT


def test_the_interface_of_format_2_is_the_published_one() -> None:
    """The names in manifests of format 2 are those that were published."""
    measurements = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
    assert (INTERFACE.measurements, INTERFACE.units) == (measurements, ("mm", "mm", "mm", "g"))
    assert INTERFACE.features == (
        *measurements,
        *(f"{above}/{below}" for i, above in enumerate(measurements) for below in measurements[i + 1 :]),
    )
    assert INTERFACE.classes == ("Gentoo", "Chinstrap", "Adelie")
