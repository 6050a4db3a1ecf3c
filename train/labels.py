"""How a name of the contract reads to a person."""

from contract.measurements import MEASUREMENTS

UNITS = {measurement.name: measurement.unit for measurement in MEASUREMENTS}


def words(measurement: str) -> str:
    """`bill_length_mm` -> `bill length`."""
    return measurement.removesuffix(f"_{UNITS[measurement]}").replace("_", " ")


def feature_words(feature: str) -> str:
    """`bill_length_mm` -> `bill length`; `bill_length_mm/body_mass_g` -> `bill length / body mass`."""
    return " / ".join(map(words, feature.split("/")))


def feature_axis(feature: str) -> str:
    """`bill_length_mm/body_mass_g` -> `bill length / body mass (mm/g)`; a ratio of equal units has none."""
    units = [UNITS[name] for name in feature.split("/")]
    unit = "" if len(units) > 1 and len(set(units)) == 1 else f" ({'/'.join(units)})"
    return feature_words(feature) + unit
