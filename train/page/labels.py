"""How the contract's names are written for people."""

from contract.derived import Projection, Ratio
from train.contract import CONTRACT

RATIOS = {each.label for each in CONTRACT.derived if isinstance(each, Ratio)}
PROJECTIONS = {each.name for each in CONTRACT.derived if isinstance(each, Projection)}
UNITS = {each.name: each.unit for each in CONTRACT.inputs}


def words(measurement: str) -> str:
    """Return a measurement's name in words: `bill_length_mm` -> `bill length`."""
    return measurement.removesuffix(f"_{UNITS[measurement]}").replace("_", " ")


def feature_words(feature: str) -> str:
    """Return a feature's name in words: `bill_length_mm/body_mass_g` -> `bill length / body mass`."""
    if feature in PROJECTIONS:
        return feature.replace("_", " ")
    return " / ".join(map(words, feature.split("/")))


def feature_axis(feature: str) -> str:
    """Return the label of an axis: `bill_length_mm/body_mass_g` -> `bill length / body mass (mm/g)`.

    A ratio of equal units has no unit. A projection is in standard deviations within a species.
    """
    if feature in PROJECTIONS:
        return f"{feature_words(feature)} (standard deviations within a species)"
    units = [UNITS[name] for name in feature.split("/")]
    unit = "" if len(units) > 1 and len(set(units)) == 1 else f" ({'/'.join(units)})"
    return feature_words(feature) + unit
