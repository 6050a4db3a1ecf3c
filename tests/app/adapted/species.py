"""A contract of forty species with awkward names, and of a measurement without a unit; birds for it."""

import msgspec

from contract.derived import Projection
from contract.reading import PENGUINS, read_contract
from contract.schema import Contract, Input, Output
from tests.support.commands import EXAMPLE

AWKWARD = (
    *("Iris-setosa", "0", "Torgersen Island", 'say "hi"', "back\\slash", "Adélie ペンギン", "class", "class_"),
    *("a b", "a_b", "__proto__", "two\nlines", "<b>&amp;</b>", "{}", "it's, too", "encode", "", "x" * 300),
)
SPECIES = (*AWKWARD, *(f"species {i}" for i in range(len(AWKWARD), 40)))
PENGUIN = read_contract(PENGUINS)
GAPE = Input("gape", minimum=0, maximum=1, typical=(0.1, 0.9), error=0, description="Share of the bill", example=0.5)
BIRD = {**{name: number for name, number in EXAMPLE.items() if name != "bill_depth_mm"}, "gape": 0.5}
MEGABYTE = 1 << 20
REST = b'"flipper_length_mm":181,"body_mass_g":3750}'


def with_gape(species: tuple[str, ...] = SPECIES) -> Contract:
    """Return the penguins' contract with these species, and the gape in place of the bill's depth."""
    inputs = tuple(GAPE if each.name == "bill_depth_mm" else each for each in PENGUIN.inputs)
    ratios = [each for each in PENGUIN.derived if not isinstance(each, Projection)]
    renamed = [
        msgspec.structs.replace(
            each,
            numerator=each.numerator.replace("bill_depth_mm", "gape"),
            denominator=each.denominator.replace("bill_depth_mm", "gape"),
        )
        for each in ratios
    ]
    output = Output(classes=species, label="species")
    return msgspec.structs.replace(PENGUIN, inputs=inputs, derived=tuple(renamed), output=output)
