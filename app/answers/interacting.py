"""What POST /explain?interactions=true adds: how much of a contribution depends on a second feature."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.explanation.interactions import Interactions

ALONE = (
    "every path in this model's trees asks one feature only, so no two features interact: each acts alone. A derived "
    "feature mixes inputs; that is part of what it contributes"
)


def interaction_document(
    interactions: Interactions,
    features: Sequence[float],
    names: Sequence[str],
    contributions: Mapping[str, Mapping[str, Any]] | None,
) -> dict[str, Any] | None:
    """Return the interactions of one row. `features` are its values; `contributions` is that part of its explanation.

    None if there are no contributions.
    """
    if contributions is None:
        return None
    parts = [list(part["features"].values()) for part in contributions.values()]
    matrices = interactions.of(features, parts)
    return {
        "note": None if interactions.any else ALONE,
        "values": {
            output: {names[one]: {names[other]: value for other, value in row.items()} for one, row in matrix.items()}
            for output, matrix in zip(contributions, matrices, strict=True)
        },
    }
