"""deploy/dashboard.json: a panel shows figures of one unit, and says which; heatmaps and tables get their format."""

import json
import re
from typing import Any

import pytest

from tests.support.commands import ROOT

PANELS: list[dict[str, Any]] = json.loads((ROOT / "deploy" / "dashboard.json").read_text(encoding="utf-8"))["panels"]
# What an expression is counted in, by the first pattern that it has, in Grafana's words. "none" is a plain number.
UNITS = (
    (r"^1e6 \* .*cpu_seconds", "µs"),
    (r"cpu_seconds_total", "none"),  # seconds of CPU in a second: cores
    (r"ratio_rate|:share\{", "percentunit"),
    (r"drift_stability:index", "none"),
    (r"_bytes\{", "bytes"),
    (r"timestamp_seconds|startup_seconds|duration_seconds_bucket", "s"),
    (r"log_lines_total", "cps"),
    (r"set_size_sum|distance_bucket|confidence_bucket", "none"),
    (r"\brate\(", "reqps"),
    (r"increase\(|_connections\{|_requests\{|penguins_ready|fallback_in_use|open_fds|model_info", "none"),
)


def unit_of(expression: str) -> str:
    """Return what an expression is counted in."""
    return next(unit for pattern, unit in UNITS if re.search(pattern, expression))


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_has_one_unit(panel: dict[str, Any]) -> None:
    """All expressions of a panel have the unit that its axis states."""
    assert {unit_of(target["expr"]) for target in panel["targets"]} == {panel["fieldConfig"]["defaults"]["unit"]}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_gets_its_format(panel: dict[str, Any]) -> None:
    """A heatmap gets buckets as such, a table one row a series as it is now; everything else gets lines with names."""
    formats = {target.get("format", "time_series") for target in panel["targets"]}
    if panel["type"] == "heatmap":
        assert formats == {"heatmap"}
        assert {target["legendFormat"] for target in panel["targets"]} == {"{{le}}"}
        assert panel["options"]["calculate"] is False
        assert panel["options"]["yAxis"]["unit"] == "percentunit"
    elif panel["type"] == "table":
        assert formats == {"table"}
        assert [target["instant"] for target in panel["targets"]] == [True]
    else:
        assert (panel["type"], formats) == ("timeseries", {"time_series"})
        assert all(target["legendFormat"] for target in panel["targets"])


def test_panels_do_not_overlap() -> None:
    """Panels have ids of their own, and places of their own."""
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in PANELS}) == len(PANELS)
