import math

from contract.features import FEATURE_NAMES, MEASUREMENT_NAMES, RATIOS, derive
from contract.manifest import CONTRACT, difference, listed
from contract.measurements import MEASUREMENTS, Measurements
from contract.species import SPECIES


def test_the_order_of_species_is_the_published_one() -> None:
    """Prediction 2 is an Adelie for every client."""
    assert SPECIES == ("Gentoo", "Chinstrap", "Adelie")


def test_measurements_as_data_follow_the_type() -> None:
    """The list of measurements agrees with the decoder's type."""
    assert Measurements.__struct_fields__ == MEASUREMENT_NAMES
    assert [measurement.unit for measurement in MEASUREMENTS] == ["mm", "mm", "mm", "g"]
    for measurement in MEASUREMENTS:
        assert measurement.minimum < measurement.example < measurement.maximum


def test_bounds_hold_every_measurement_a_client_was_promised() -> None:
    """The bounds contain the promised ranges."""
    promised = [(35, 55), (13, 20), (170, 230), (3000, 6000)]
    for measurement, (low, high) in zip(MEASUREMENTS, promised, strict=True):
        assert measurement.minimum <= low
        assert high <= measurement.maximum


def test_derived_columns_are_named_and_computed_alike() -> None:
    """Each derived column is the quotient that its name says."""
    values = dict(zip(MEASUREMENT_NAMES, (40.0, 20.0, 200.0, 4000.0), strict=True))
    columns = dict(zip(FEATURE_NAMES, derive(values), strict=True))
    assert len(RATIOS) == math.comb(len(MEASUREMENTS), 2)
    assert columns["bill_length_mm/bill_depth_mm"] == 2.0
    assert columns["flipper_length_mm/body_mass_g"] == 0.05


def test_a_difference_of_contracts_is_told_in_words() -> None:
    """A difference of contracts names the first field with both values."""
    assert difference(CONTRACT, CONTRACT) is None
    other = type(CONTRACT)(CONTRACT.measurements, ("in", "mm", "mm", "g"), CONTRACT.features, CONTRACT.classes)
    assert difference(CONTRACT, other) == "expected units mm, mm, mm, g; found in, mm, mm, g"


def test_names_that_are_no_words_are_in_quotes() -> None:
    """Names that are no words are quoted and cannot break a line."""
    assert listed(("a/b", "Adélie", "Iris-setosa")) == "a/b, Adélie, Iris-setosa"
    assert listed(("", "a, b", "c\n")) == r"'', 'a, b', 'c\n'"
    assert listed(()) == "none"
