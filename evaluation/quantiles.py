"""Quantiles among the numbers that a model answers with: they are named by their level."""

import re
from collections.abc import Sequence

LEVEL = re.compile(r"(?<![\d.])0?\.\d+(?![\d.])")


def quantile_levels(names: Sequence[str]) -> tuple[float, ...]:
    """Return the level of each quantile, between 0 and 1, from names such as q0.1 or 0.5. Empty if they are no levels.

    Every name has to hold exactly one number between 0 and 1, and all are different.
    """
    found = [LEVEL.findall(name) for name in names]
    levels = tuple(float(each[0]) for each in found if len(each) == 1)
    if len(levels) < len(names) or len(set(levels)) < len(levels) or 0.0 in levels:
        return ()
    return levels
