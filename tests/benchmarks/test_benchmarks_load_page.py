from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from benchmarks.load.capacity import capacity
from benchmarks.load.conclusions import conclusions, in_flight, memory_setting_mib
from benchmarks.load.page import PAGE, PICTURES, main, page
from benchmarks.load.pictures import pictures
from benchmarks.load.prices import instance_based, read_prices, request_based
from benchmarks.load.results import RESULTS, Results, read_results, write_results
from tests.commands import ROOT

HERE = Path(__file__).parent
STORED, MADE = HERE / "load_results.json", HERE / "load_page.md"  # one run in small; the page that it makes
PRICES = read_prices()


@pytest.fixture
def results() -> Results:
    return read_results(STORED)


def test_a_stored_run_makes_its_page(results: Results) -> None:
    """Text, tables and conclusions, word for word."""
    assert page(results, PRICES, list(pictures(results))) == MADE.read_text(encoding="utf-8")


def test_the_command_makes_it_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same bytes each time, pictures as well; the headline is on stdout."""
    assert main([str(STORED), "--out", str(tmp_path)]) == 0
    assert (tmp_path / PAGE).read_text(encoding="utf-8") == MADE.read_text(encoding="utf-8")
    drawn = {path.name: path.read_bytes() for path in (tmp_path / PICTURES).iterdir()}
    assert len(drawn) == 3
    assert main([str(STORED), "--out", str(tmp_path)]) == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / PICTURES).iterdir()} == drawn
    assert all(ElementTree.fromstring(svg).tag.endswith("svg") for svg in drawn.values())  # noqa: S314  # our own
    assert "**Capacity**: one instance sustains 22,627 requests/s" in capsys.readouterr().out


def test_the_published_report_is_that_of_its_results(tmp_path: Path) -> None:
    """Every figure in it, once a complete run has made it."""
    if not RESULTS.exists():
        pytest.skip("no complete run yet: make load-report")
    assert main([str(RESULTS), "--out", str(tmp_path)]) == 0
    assert (ROOT / PAGE).read_text(encoding="utf-8") == (tmp_path / PAGE).read_text(encoding="utf-8")
    for path in (tmp_path / PICTURES).iterdir():
        assert (ROOT / PICTURES / path.name).exists()


def test_results_are_stored_as_they_were(results: Results, tmp_path: Path) -> None:
    """To the last digit."""
    write_results(results, tmp_path / "again.json")
    assert read_results(tmp_path / "again.json") == results


def test_results_that_are_not_there_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the command that makes them."""
    assert main([str(tmp_path / "report.json"), "--out", str(tmp_path)]) == 2
    assert "make load-report" in capsys.readouterr().err
    assert not (tmp_path / PAGE).exists()


def test_a_part_of_a_run_makes_a_page(results: Results) -> None:
    """That says what is missing, and that a short run says nothing."""
    empty = replace(results, starts=(), runs={}, ceiling=None, search=(), steady=(), short=True)
    text = page(empty, PRICES, list(pictures(empty)))
    assert "figures say nothing" in text
    assert "Not measured: baseline, normal, stress, spike, tenfold" in text
    for part in ("starts", "runs", "search", "steady"):
        some = replace(empty, **{part: getattr(results, part)})
        assert len(page(some, PRICES, list(pictures(some)))) > len(text)


def test_capacity_is_by_whom_was_busy(results: Results) -> None:
    """The service, or what asked it."""
    assert capacity(results) == (22627.4, results.search[2])
    assert capacity(results).by_service
    slow = replace(results, search=tuple(replace(step, server_cpu_s=0.3) for step in results.search))
    assert "at least 22,627 requests/s; at 32,000 it used 0.10 of a core" in conclusions(slow, PRICES)[0]
    assert "most that was tried" in conclusions(replace(results, search=results.search[:2]), PRICES)[0]
    assert "not even 32,000 requests/s" in conclusions(replace(results, search=results.search[2:4]), PRICES)[0]


def test_concurrency_follows_from_what_is_in_flight(results: Results) -> None:
    """By Little's law: that of the service's bounds, or more where that is not enough."""
    step = results.steady[-1]
    mean, slow = in_flight(step)
    assert mean == pytest.approx(step.achieved * step.latency.mean() / 1e6, rel=1e-3)
    assert slow == pytest.approx(step.achieved * step.latency.quantile(0.99) / 1e6)
    assert conclusions(results, PRICES)[1].startswith("**Concurrency**: 64.")
    busy = replace(results, steady=(replace(step, mean_us=8_000.0),))
    assert "raise MAX_IN_FLIGHT (64)" in conclusions(busy, PRICES)[1]
    disturbed = replace(results, steady=(replace(step, p99_us=800_000.0),))
    assert "not concluded" in conclusions(disturbed, PRICES)[1]


def test_memory_is_the_least_that_is_enough(results: Results) -> None:
    """With the batches that may be there at once."""
    assert memory_setting_mib(results, PRICES) == 512
    run = results.runs["normal"]
    large = replace(run, samples=tuple(replace(look, rss_mb=400.0) for look in run.samples))
    assert memory_setting_mib(replace(results, runs={"normal": large}), PRICES) == 1024


def test_ten_times_more_says_what_was_missed(results: Results) -> None:
    """And how many instances the autoscaler would hold."""
    found = conclusions(results, PRICES)[3]
    assert "missed: failure ratio at most 0" in found
    assert "hold 1 instance " in found
    tenfold = results.runs["tenfold"]
    hot = tuple(replace(look, cpu_s=look.second) for look in tenfold.samples)
    busy = replace(results, runs={**results.runs, "tenfold": replace(tenfold, samples=hot)})
    assert "hold 2 instances " in conclusions(busy, PRICES)[3]


def test_costs_are_those_of_the_list() -> None:
    """One request at a time, rounded up to 0.1 s, is 100,000 s for a million; always on, what the time costs."""
    rare = request_based(PRICES, 512, 1e-6, 0.001)
    assert rare == pytest.approx(0.40 + 100_000 * (0.000024 + 0.5 * 0.0000025), rel=1e-4)
    assert request_based(PRICES, 512, 10_000, 0.001) == pytest.approx(0.40 + 100 * 0.00002525)
    assert instance_based(PRICES, 512, 100) == pytest.approx(10_000 * 0.000019)
