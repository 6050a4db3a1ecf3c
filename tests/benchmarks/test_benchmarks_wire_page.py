from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from benchmarks.wire.__main__ import main
from benchmarks.wire.page import page
from benchmarks.wire.pictures import STYLES, pictures
from benchmarks.wire.plan import NAMES, OURS, PLAIN, UVLOOP
from benchmarks.wire.results import Results, Shared, ratio, read_results, scaling_ratio
from benchmarks.wire.tables import cpu, headline, rate, two_digits
from tests.commands import ROOT

HERE = Path(__file__).parent
STORED, PAGE = HERE / "wire_results.json", HERE / "wire_page.md"  # one run in small; the page that it makes


@pytest.fixture
def results() -> Results:
    return read_results(STORED)


def test_a_stored_run_makes_its_page(results: Results) -> None:
    """Text and tables, word for word."""
    assert page(results, list(pictures(results))) == PAGE.read_text(encoding="utf-8")


def test_the_command_draws_a_stored_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page, its pictures, and the headline on stdout."""
    assert main(["--render", str(STORED), "--out", str(tmp_path)]) == 0
    assert (tmp_path / "http-benchmarks.md").read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")
    assert len(list((tmp_path / "pictures").iterdir())) == 2
    assert "| requests/s, one core, 16 connections | FastAPI + XGBClassifier | 72,000 |" in capsys.readouterr().out


def test_ratios_are_taken_within_a_round(results: Results) -> None:
    """So that a machine which is slow for a round is slow for both."""
    assert ratio(results, OURS, PLAIN, 16, rate) == pytest.approx(80)
    assert ratio(results, OURS, PLAIN, 16, cpu) == pytest.approx(0.0125)


def test_what_the_generator_took_is_given_back(results: Results) -> None:
    """To one worker a quarter of its core, to two the same part of theirs."""
    assert results.scaling
    first = results.scaling.one[0]
    assert first.unshared == pytest.approx(first.rate / 0.75)
    assert scaling_ratio(results.scaling, lambda run: run.unshared) == pytest.approx((112 / 60 + 120 / 66) / 2)
    assert Shared(90, 1.0, 2, 1.5, 0.5).unshared == pytest.approx(120)
    assert first.per_cpu_second == pytest.approx(80_000)


def test_pictures_are_the_same_on_every_run(results: Results) -> None:
    """Well-formed SVG on white, without the date."""
    drawn = pictures(results)
    assert pictures(results) == drawn
    for svg in drawn.values():
        assert ElementTree.fromstring(svg).tag.endswith("svg")  # noqa: S314  # our own document
        assert b"fill: #ffffff" in svg


def test_every_contender_has_a_colour_and_a_shape_of_its_own() -> None:
    """So that none of the two alone has to tell them apart."""
    assert tuple(STYLES) == NAMES
    assert all(len(set(part)) == len(NAMES) for part in zip(*STYLES.values(), strict=True))


@pytest.mark.parametrize("kept", [{OURS}, {UVLOOP}, {PLAIN, UVLOOP}, {OURS, UVLOOP}])
def test_a_run_of_some_contenders_makes_a_page(results: Results, kept: set[str]) -> None:
    """Of what was measured; the headline is ours."""
    measured = {name: found for name, found in results.measured.items() if name in kept}
    some = msgspec.structs.replace(results, measured=measured, scaling=None)
    text = page(some, list(pictures(some)))
    assert [name for name in NAMES if f"| {results.contenders[name]} |" in text or name == OURS in kept] == [
        name for name in NAMES if name in kept
    ]
    assert bool(headline(some)) == (kept == {OURS, UVLOOP})


@pytest.mark.parametrize(("value", "text"), [(0.0128, "0.013x"), (0.09, "0.090x"), (0.65, "0.65x"), (80.2, "80x")])
def test_small_ratios_have_two_digits_too(value: float, text: str) -> None:
    assert two_digits(value) == text


def test_readme_has_the_headline_of_the_page() -> None:
    """Line for line, with the date and the machine, once a complete run has made the page."""
    published = ROOT / "docs" / "http-benchmarks.md"
    if not published.exists():
        pytest.skip("no complete run yet: make bench-http")
    text, readme = (path.read_text(encoding="utf-8") for path in (published, ROOT / "README.md"))
    start = text.index("| what |")
    assert text[start : text.index("\n\n", start)] in readme
