"""Quantiles of latencies."""

import math
from collections.abc import Sequence

LEAST_BEYOND = 10  # values beyond a quantile, for it to be shown


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the least of these sorted values that this share of them does not exceed, or 0 if there are none."""
    return ordered[max(1, math.ceil(share * len(ordered) - 1e-9)) - 1] if ordered else 0.0


def shown(ordered: Sequence[float], share: float) -> float | None:
    """Return the quantile, or None if too few values are beyond it to tell."""
    return quantile(ordered, share) if len(ordered) * (1 - share) >= LEAST_BEYOND * (1 - 1e-9) else None
