from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.__main__ import main
from benchmarks.page import page
from benchmarks.pictures import STYLES, pictures
from benchmarks.plan import CONTENDERS
from benchmarks.results import read_results
from benchmarks.tables import figure, times

HERE = Path(__file__).parent
STORED, PAGE = HERE / "results.json", HERE / "page.md"  # one run in small; the page that it makes


def test_a_stored_run_makes_its_page() -> None:
    """Text and tables, word for word."""
    results = read_results(STORED)
    assert page(results, list(pictures(results))) == PAGE.read_text(encoding="utf-8")


def test_the_command_draws_a_stored_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page, its pictures, and the headline on stdout."""
    assert main(["--render", str(STORED), "--out", str(tmp_path)]) == 0
    assert (tmp_path / "benchmarks.md").read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")
    assert "| one penguin, bare call | XGBClassifier.predict | 1.75 |" in capsys.readouterr().out


def test_pictures_are_the_same_on_every_run() -> None:
    """Well-formed SVG on white, without the date."""
    results = read_results(STORED)
    drawn = pictures(results)
    assert len(drawn) == 3
    assert pictures(results) == drawn
    for svg in drawn.values():
        assert ElementTree.fromstring(svg).tag.endswith("svg")  # noqa: S314  # our own document
        assert b"fill: #ffffff" in svg


def test_every_contender_has_a_colour_and_a_shape_of_its_own() -> None:
    """So that none of the two alone has to tell them apart."""
    assert tuple(STYLES) == CONTENDERS
    assert all(len(set(part)) == len(CONTENDERS) for part in zip(*STYLES.values(), strict=True))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.00"),
        (0.0412, "0.0412"),
        (0.5, "0.500"),
        (1.763, "1.76"),
        (39.44, "39.4"),
        (392.1, "392"),
        (12345, "12,345"),
    ],
)
def test_figures_have_three_digits(value: float, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.871, "0.87x"), (1.44, "1.4x"), (23.4, "23x"), (1234, "1,234x")])
def test_ratios_have_two(value: float, text: str) -> None:
    assert times(value) == text
