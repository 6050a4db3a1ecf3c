"""Drift: what is far from training is said to be, what is not is not; on a page of metrics, as a person asks for it."""

import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from app.bundle import Bundle
from app.cells import Cells
from app.exposition import exposition
from app.metrics import Metrics
from app.observed import Prediction
from contract.drift import ENOUGH, Variable, count, judge, kolmogorov, outside_bound, risk, stability
from tests.commands import run_module
from tests.service import serving
from tests.telemetry import free_port, scrape
from train.penguins import load

COUNTS = st.lists(st.integers(0, 1000), min_size=2, max_size=12)


@given(COUNTS, st.integers(1, 50))
def test_the_same_shares_are_no_drift(counts: list[int], times: int) -> None:
    """However many live rows there are; and distances are never negative."""
    live = [number * times for number in counts]
    verdict = judge("x", Variable((), tuple(counts), 35.0), live, 6)
    assert not verdict.drifted
    assert kolmogorov(counts, live) == pytest.approx(0, abs=1e-12)
    assert stability(counts, live) >= 0


def test_bounds_are_wide_where_rows_are_few() -> None:
    """They shrink with either sample, and below ENOUGH nothing is said."""
    known = Variable((), (100, 100), 20.0)
    bounds = [judge("x", known, [rows, 0], 6).stability_bound for rows in (200, 2_000, 20_000)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] > 20 / 200
    assert not judge("x", known, [ENOUGH - 1, 0], 6).drifted
    assert judge("x", known, [ENOUGH, 0], 6).drifted


@pytest.mark.parametrize("live", [200, 1_000, 10_000, 1_000_000])
def test_rows_outside_are_bounded_as_poisson_s(live: int) -> None:
    """Against scipy's distribution of as many as may be expected."""
    assert stats.poisson.sf(math.floor(outside_bound(live)), live / 1000) < risk(6)


def test_kolmogorov_is_scipy_s_at_the_edges() -> None:
    """At most the distance of the values themselves."""
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=300), generator.normal(0.3, size=400)
    exact = stats.ks_2samp(a, b).statistic
    edges = np.unique(a).tolist()
    assert kolmogorov(count(a.tolist(), edges), count(b.tolist(), edges)) == pytest.approx(exact)
    coarse = [-1.0, 0.0, 1.0]
    assert kolmogorov(count(a.tolist(), coarse), count(b.tolist(), coarse)) <= exact


def page(bundle: Bundle, scale: float, path: Path) -> Path:
    """Metrics after every bird of the training data was asked about twice, its bill so many times as long."""
    assert bundle.training
    metrics = Metrics(Cells())
    metrics.set_model("1", bundle.training.reference)
    for row in load().measurements.tolist() * 2:
        values = (row[0] * scale, *row[1:])
        label, probabilities, *_ = bundle.library.predict(values)
        metrics.predictions.append(Prediction(values, label, list(probabilities.values())[label]))
    metrics.flush()
    path.write_bytes(exposition(metrics.cells.read()))
    return path


def said(*pages: Path) -> tuple[int, dict[str, str]]:
    """The exit status, and what is thought of each variable."""
    ran = run_module("app.drift", *pages)
    assert ran.stderr == ""
    heads = [line.partition(": ") for line in ran.stdout.splitlines() if line.endswith("predictions")]
    return ran.returncode, {name: rest.partition(";")[0] for name, _, rest in heads}


def test_a_page_is_judged(bundle: Bundle, tmp_path: Path) -> None:
    """The measurements of the birds that were trained on are as in training; with longer bills only bills are not."""
    status, verdicts = said(page(bundle, 1.0, tmp_path / "same"))
    names = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    assert {verdicts[name] for name in names} == {"as in training"}
    status, verdicts = said(page(bundle, 1.15, tmp_path / "longer"))
    assert status == 1
    assert verdicts["bill_length_mm"] == "DRIFTED"
    assert {verdicts[name] for name in names[1:]} == {"as in training"}


def test_what_came_between_two_pages(bundle: Bundle, tmp_path: Path) -> None:
    """Nothing, between a page and itself."""
    same = page(bundle, 1.15, tmp_path / "same")
    status, verdicts = said(same, same)
    assert status == 0
    assert set(verdicts.values()) == {"nothing was asked"}


def test_a_live_service_is_judged(bundle_path: Path) -> None:
    """By its URL; and a page without a reference, or none at all, is one line and status 2."""
    port = free_port()
    with serving(bundle_path, METRICS_PORT=str(port)):
        ran = run_module("app.drift", f"http://127.0.0.1:{port}/metrics")
        assert (ran.returncode, ran.stderr) == (0, "")
        assert "nothing was asked" in ran.stdout
        assert "penguins_drift_reference_rows" in scrape(port)
    for arguments in (["nowhere"], ["/dev/null"], ["--what"], ["a", "b", "c"]):
        ran = run_module("app.drift", *arguments)
        assert ran.returncode == 2
        assert "error: " in ran.stderr.splitlines()[-1]


def test_a_page_is_drawn(bundle: Bundle, tmp_path: Path) -> None:
    """As SVG: a panel a variable, with a bar and a mark a bin; what has drifted is marked, also in the exit status."""
    drawn = tmp_path / "drift.svg"
    assert run_module("app.drift", "--picture", drawn, page(bundle, 1.15, tmp_path / "longer")).returncode == 1
    root = ElementTree.parse(drawn).getroot()  # noqa: S314  # our own document
    panels = root.findall("{*}g")
    assert bundle.training
    assert bundle.training.reference
    assert len(panels) == len(bundle.training.reference.variables)
    for panel, variable in zip(panels, bundle.training.reference.variables.values(), strict=True):
        assert len(panel.findall("{*}rect")) == len(panel.findall("{*}line")) == len(variable.counts)
    states = {panel.findtext("{*}text/{*}tspan"): panel.get("class") for panel in panels}
    assert states["bill_length_mm"] == "drifted"
    assert states["body_mass_g"] is None
