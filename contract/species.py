"""The species, in the order of the model's classes. The order is part of the API: `prediction` is an index into it."""

from typing import Literal, get_args

Species = Literal["Gentoo", "Chinstrap", "Adelie"]

SPECIES: tuple[Species, ...] = get_args(Species)
