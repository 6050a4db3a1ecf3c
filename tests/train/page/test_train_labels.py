"""Names as a person reads them."""

import pytest

from train.page.labels import feature_axis


@pytest.mark.parametrize(
    ("feature", "axis"),
    [
        ("bill_length_mm", "bill length (mm)"),
        ("body_mass_g", "body mass (g)"),
        ("bill_length_mm/bill_depth_mm", "bill length / bill depth"),
        ("discriminant_1", "discriminant 1 (standard deviations within a species)"),
        ("flipper_length_mm/body_mass_g", "flipper length / body mass (mm/g)"),
    ],
)
def test_axis(feature: str, axis: str) -> None:
    """The unit follows the words, and a ratio of equal units has none."""
    assert feature_axis(feature) == axis
