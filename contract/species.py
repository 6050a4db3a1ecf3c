"""The species, in the order of the model's classes. The order is part of the API: `prediction` is an index into it."""

from typing import Literal, get_args

from contract.refusal import Refusal

Species = Literal["Gentoo", "Chinstrap", "Adelie"]

SPECIES: tuple[Species, ...] = get_args(Species)


def check_names(names: tuple[object, ...]) -> None:
    """Raise Refusal if there is no species, or if a name is not text that can be sent."""
    if not names:
        raise Refusal("contract/species.py: expected at least one species, found none; name them in Species")
    for name in names:
        if not isinstance(name, str) or name.encode("utf-8", "replace").decode() != name:
            raise Refusal(f"contract/species.py: expected species as text, found {name!r}; write it as a plain string")


check_names(SPECIES)
