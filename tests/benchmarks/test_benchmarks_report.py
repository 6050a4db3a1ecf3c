from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.machine import made_here
from benchmarks.report.__main__ import main
from benchmarks.report.model import headline, write_model
from benchmarks.report.pictures import Dot, dots
from benchmarks.report.saved import About, Row, Saved, Times, closest, ratio
from benchmarks.tables import figure, times
from benchmarks.timed.cells import CELLS


def row(group: str, name: str, *seconds: float, rounds: tuple[int, ...] = (), rows: int = 1) -> Row:
    about = About(rounds or tuple(range(len(seconds))), rows, name.upper(), "a model")
    return Row(group, name, about, Times(seconds))


def saved(*rows: Row) -> Saved:
    return Saved(made_here(()), rows)


def test_a_ratio_compares_within_a_round() -> None:
    """A slow moment slows both and leaves the ratio alone; a lonely outlier does not count; nor does a lonely round."""
    ours = row("penguin-1", "ours", 1.0, 10.0, 1.0, 1.0, 2.0)
    theirs = row("penguin-1", "theirs", 3.0, 30.0, 3.0, 99.0, 6.0)
    assert ratio(theirs, ours) == 3
    assert ratio(row("penguin-1", "late", 5.0, 20.0, rounds=(1, 7)), ours) == 0.5
    assert closest({"ours": ours, "theirs": theirs}) == (3.0, "theirs")
    assert closest({"ours": ours}) is None


def test_the_headline_has_what_was_measured() -> None:
    """Microseconds for one row of input, and the contender that is closest to ours."""
    rows = (row("penguin-16", "ours", 16e-6, rows=16), row("penguin-16", "xgb_classifier", 64e-6, rows=16))
    assert headline(saved(*rows)).splitlines()[2:] == [
        "| the closest of all: penguin, 16 rows | XGB_CLASSIFIER | 1.00 | 4.00 | **4.0x** |"
    ]


def test_a_short_run_makes_a_page(tmp_path: Path) -> None:
    """It has every model, batch and contender that was measured, and a picture of one row."""
    groups = ("penguin-json", "penguin-1", "100x6-16")
    found = saved(*(row(group, name, 1e-6) for group in groups for name in ("ours", "xgb_classifier")))
    assert not found.complete()
    write_model(found, tmp_path)
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert all(part in page for part in ("## penguin", "## 100x6", "JSON to JSON", "16 rows", "make bench"))
    assert (tmp_path / "pictures" / "benchmark-one-row.svg").exists()


def test_only_a_complete_run_is_published() -> None:
    """A run is complete if it has every cell in all its rounds."""
    whole = [row(group, "ours", *[1.0] * rounds) for group, rounds in CELLS.items()]
    assert saved(*whole).complete()
    assert not saved(*whole[1:]).complete()
    assert not saved(row(whole[0].group, "ours", 1.0), *whole[1:]).complete()


@pytest.mark.parametrize(("page", "target"), [("model", "make bench"), ("http", "make bench-http"), ("load", "make l")])
def test_results_that_are_not_there_are_refused(
    page: str, target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The refusal names the command that makes results; results of another kind are refused, too."""
    path = tmp_path / "results.json"
    for _ in range(2):
        assert main([page, "--results", str(path), "--out", str(tmp_path)]) == 2
        assert target in capsys.readouterr().err
        path.write_text("{}")


def test_a_picture_is_the_same_on_every_run() -> None:
    """A picture is well-formed SVG on white, without the date."""
    panels = {"a": [Dot("ours", 1.0, "1.00", True), Dot("theirs", 5.0, "5.00", False)]}
    drawn = dots(panels, "ms")
    assert dots(panels, "ms") == drawn
    assert ElementTree.fromstring(drawn).tag.endswith("svg")  # noqa: S314  # our own document
    assert b"fill: #ffffff" in drawn


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
