import pytest

from benchmarks.machine import heading
from benchmarks.page import DOCS, PARTIAL, options
from benchmarks.tables import figure, table, times


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.00"),
        (0.0412, "0.0412"),
        (0.5, "0.500"),
        (1.763, "1.76"),
        (39.44, "39.4"),
        (392.1, "392"),
        (12e3, "12,000"),
    ],
)
def test_figures_have_three_digits(value: float, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0128, "0.013x"), (0.871, "0.87x"), (1.44, "1.4x"), (23.4, "23x"), (1234, "1,234x")]
)
def test_ratios_have_two(value: float, text: str) -> None:
    assert times(value) == text


def test_a_table_is_markdown() -> None:
    """The first column is aligned left, the others right."""
    assert table(["a", "b"], [["c", "1"]]).splitlines() == ["| a | b |", "| --- | --: |", "| c | 1 |"]


def test_a_heading_says_when_and_where() -> None:
    """README's figures are found by the date in the third line and the machine in the fourth."""
    title, _, made, machine, _ = heading("Title", "make it", ("msgspec", "nonesuch"))
    assert title == "# Title"
    assert made.startswith("Made by `make it`; do not edit. 20")
    assert "msgspec 0" in machine
    assert "nonesuch" not in machine


def test_only_a_whole_run_is_published() -> None:
    """A quick run goes where nobody publishes from; --out names another place for either."""
    assert options("wire", []) == (False, DOCS)
    assert options("wire", ["--quick"]) == (True, PARTIAL)
    assert str(options("wire", ["--out", "/somewhere"]).out) == "/somewhere"
