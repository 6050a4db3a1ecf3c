"""The level of a quantile, from its name."""

import pytest

from evaluation.quantiles import quantile_levels


@pytest.mark.parametrize(
    ("names", "levels"),
    [
        (("0.1", "0.5", "0.9"), (0.1, 0.5, 0.9)),
        (("q0.1", "q.95"), (0.1, 0.95)),
        (("quantile_0.25", "0.75 of the price"), (0.25, 0.75)),
        (("x", "y"), ()),
        (("0.1", "y"), ()),
        (("q0.1", "p0.1"), ()),
        (("0.1 to 0.9", "0.5"), ()),
        (("1.5", "0.5"), ()),
        (("0.0", "0.5"), ()),
        (("0.1.2", "0.5"), ()),
    ],
)
def test_levels(names: tuple[str, ...], levels: tuple[float, ...]) -> None:
    """Each name holds one number between 0 and 1, and none is repeated; else they are no quantiles."""
    assert quantile_levels(names) == levels
