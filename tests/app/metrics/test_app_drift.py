"""Drift: the verdict on live measurements, on a page of metrics and on the command line."""

import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from app.core.prediction_record import PredictionRecord
from app.metrics.cells import Cells
from app.metrics.exposition import exposition
from app.metrics.request_counts import Metrics
from contract.drift import ENOUGH, Variable, count, judge, kolmogorov, outside_bound, risk, stability
from score.bundle import Bundle
from tests.support.commands import run_module
from tests.support.service import serving
from tests.support.telemetry import free_port, scrape
from train.penguins import load

COUNTS = st.lists(st.integers(0, 1000), min_size=2, max_size=12)


@given(COUNTS, st.integers(1, 50))
def test_the_same_shares_are_no_drift(counts: list[int], times: int) -> None:
    """Equal shares are no drift for any number of live rows, and no distance is negative."""
    live = [number * times for number in counts]
    verdict = judge("x", Variable((), tuple(counts), 35.0), live, 6)
    assert not verdict.drifted
    assert kolmogorov(counts, live) == pytest.approx(0, abs=1e-12)
    assert stability(counts, live) >= 0


def test_bounds_are_wide_where_rows_are_few() -> None:
    """The bound shrinks with either sample, and fewer rows than ENOUGH give no verdict."""
    known = Variable((), (100, 100), 20.0)
    bounds = [judge("x", known, [rows, 0], 6).stability_bound for rows in (200, 2_000, 20_000)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] > 20 / 200
    assert not judge("x", known, [ENOUGH - 1, 0], 6).drifted
    assert judge("x", known, [ENOUGH, 0], 6).drifted


@pytest.mark.parametrize("live", [200, 1_000, 10_000, 1_000_000])
def test_rows_outside_are_bounded_as_poisson_s(live: int) -> None:
    """The bound of rows outside equals scipy's Poisson quantile."""
    assert stats.poisson.sf(math.floor(outside_bound(live)), live / 1000) < risk(6)


def test_kolmogorov_is_scipy_s_at_the_edges() -> None:
    """The distance at the edges is at most scipy's distance of the values."""
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=300), generator.normal(0.3, size=400)
    exact = stats.ks_2samp(a, b).statistic
    edges = np.unique(a).tolist()
    assert kolmogorov(count(a.tolist(), edges), count(b.tolist(), edges)) == pytest.approx(exact)
    coarse = [-1.0, 0.0, 1.0]
    assert kolmogorov(count(a.tolist(), coarse), count(b.tolist(), coarse)) <= exact


def page(bundle: Bundle, scale: float, path: Path) -> Path:
    """Write the metrics after two predictions of each bird, with bills this many times as long."""
    assert bundle.training is not None
    metrics = Metrics(Cells())
    metrics.set_model("1", bundle.contract, bundle.training.drift_baseline)
    for row in load().measurements.tolist() * 2:
        values = (row[0] * scale, *row[1:])
        label, probabilities, *_ = bundle.library.predict(values)
        metrics.predictions.append(
            PredictionRecord(values, label, list(probabilities.values())[label], model_version="1")
        )
    metrics.flush()
    path.write_bytes(exposition(metrics.cells.read()))
    return path


def swapped(bundle: Bundle, path: Path, *, served: str) -> Path:
    """Write the metrics after many predictions of one model with long bills, and some of another."""
    assert bundle.training is not None
    metrics = Metrics(Cells())
    for version, scale in (("1", 1.15), ("2", 1.0)):
        metrics.set_model(version, bundle.contract, bundle.training.drift_baseline)
        for row in load().measurements.tolist() * 2:
            values = (row[0] * scale, *row[1:])
            label, probabilities, *_ = bundle.library.predict(values)
            metrics.predictions.append(
                PredictionRecord(values, label, list(probabilities.values())[label], model_version=version)
            )
    metrics.flush()
    metrics.set_model(served, bundle.contract, bundle.training.drift_baseline)
    path.write_bytes(exposition(metrics.cells.read()))
    return path


def test_the_model_that_is_served_is_judged(bundle: Bundle, tmp_path: Path) -> None:
    """The verdict is about the served model alone, not about the one before it."""
    _, verdicts = said(swapped(bundle, tmp_path / "new", served="2"))
    assert verdicts["bill_length_mm"] == "as in training"
    _, verdicts = said(swapped(bundle, tmp_path / "old", served="1"))
    assert verdicts["bill_length_mm"] == "DRIFTED"
    rows = len(load().measurements) * 2
    assert f"bill_length_mm: DRIFTED; {rows} predictions\n" in run_module("app.metrics.drift", tmp_path / "old").stdout
    before = page(bundle, 1.0, tmp_path / "before")  # of the first model, before it was swapped
    assert f"; {rows} predictions\n" in run_module("app.metrics.drift", before, tmp_path / "new").stdout


def test_two_models_that_are_served_at_once_are_both_judged(bundle: Bundle, tmp_path: Path) -> None:
    """Each of two served models has its own verdict, and one with drift gives status 1."""
    text = swapped(bundle, tmp_path / "page", served="2").read_text()
    both = tmp_path / "both"
    both.write_text(text.replace('penguins_model_info{version="1"} 0', 'penguins_model_info{version="1"} 1'))
    ran = run_module("app.metrics.drift", "--picture", tmp_path / "both.svg", both)
    assert ran.returncode == 1
    assert [line for line in ran.stdout.splitlines() if line.startswith("bill_length_mm")] == [
        f"bill_length_mm: {state}; {len(load().measurements) * 2} predictions"
        for state in ("DRIFTED", "as in training")
    ]


def said(*pages: Path) -> tuple[int, dict[str, str]]:
    """Return the exit status and the verdict on each variable."""
    ran = run_module("app.metrics.drift", *pages)
    assert ran.stderr == ""
    heads = [line.partition(": ") for line in ran.stdout.splitlines() if line.endswith("predictions")]
    return ran.returncode, {name: rest.partition(";")[0] for name, _, rest in heads}


def test_a_page_is_judged(bundle: Bundle, tmp_path: Path) -> None:
    """Birds of the training data show no drift; with longer bills only the bills do."""
    status, verdicts = said(page(bundle, 1.0, tmp_path / "same"))
    names = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    assert {verdicts[name] for name in names} == {"as in training"}
    status, verdicts = said(page(bundle, 1.15, tmp_path / "longer"))
    assert status == 1
    assert verdicts["bill_length_mm"] == "DRIFTED"
    assert {verdicts[name] for name in names[1:]} == {"as in training"}


def test_what_came_between_two_pages(bundle: Bundle, tmp_path: Path) -> None:
    """A page and itself have nothing between them."""
    same = page(bundle, 1.15, tmp_path / "same")
    status, verdicts = said(same, same)
    assert status == 0
    assert set(verdicts.values()) == {"no predictions"}


def test_a_live_service_is_judged(bundle_path: Path) -> None:
    """A service is judged by its URL; a page without a reference, or no page, is one line and status 2."""
    port = free_port()
    with serving(bundle_path, METRICS_PORT=str(port)):
        ran = run_module("app.metrics.drift", f"http://127.0.0.1:{port}/metrics")
        assert (ran.returncode, ran.stderr) == (0, "")
        assert "no predictions" in ran.stdout
        assert "penguins_drift_reference_rows" in scrape(port)
    for arguments in (["nowhere"], ["/dev/null"], ["--what"], ["a", "b", "c"]):
        ran = run_module("app.metrics.drift", *arguments)
        assert ran.returncode == 2
        assert "error: " in ran.stderr.splitlines()[-1]


def test_a_page_is_drawn(bundle: Bundle, tmp_path: Path) -> None:
    """The picture is SVG with a panel for each variable, and drift is marked there and in the status."""
    drawn = tmp_path / "drift.svg"
    assert run_module("app.metrics.drift", "--picture", drawn, page(bundle, 1.15, tmp_path / "longer")).returncode == 1
    root = ElementTree.parse(drawn).getroot()  # noqa: S314  # our own document
    panels = root.findall("{*}g")
    assert bundle.training is not None
    assert bundle.training.drift_baseline is not None
    assert len(panels) == len(bundle.training.drift_baseline.variables)
    for panel, variable in zip(panels, bundle.training.drift_baseline.variables.values(), strict=True):
        assert len(panel.findall("{*}rect")) == len(panel.findall("{*}line")) == len(variable.counts)
    states = {panel.findtext("{*}text/{*}tspan"): panel.get("class") for panel in panels}
    assert states["bill_length_mm"] == "drifted"
    assert states["body_mass_g"] is None
