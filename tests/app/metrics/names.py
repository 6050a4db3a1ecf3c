"""Names of series."""

from app.metrics.families import (
    MODEL_LABELS,
)


def names_models(name: str) -> bool:
    return any(f'{label}="' in name for label in MODEL_LABELS)
