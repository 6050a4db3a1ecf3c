from pathlib import Path

import numpy as np

from benchmarks.plan import Effort
from benchmarks.trust.__main__ import main
from benchmarks.trust.cases import AS_THEY_ARE, mistakes, points
from contract.measurements import MEASUREMENTS
from contract.species import SPECIES
from tests.commands import ROOT

PUBLISHED = ROOT / "docs" / "trust.md"


def table(page: str) -> dict[str, list[str]]:
    """The cells of each row of the tables of a page, by the first."""
    rows = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:2] == "| "]
    return {name: cells for name, *cells in rows}


def test_the_command_measures_what_is_published(artifacts: Path, tmp_path: Path) -> None:
    """The same tables, to the last digit: only time and machine may differ."""
    assert main(["--artifacts", str(artifacts), "--out", str(tmp_path)], Effort(0.0, 1, 1)) == 0
    found, published = (table((place / "trust.md").read_text("utf-8")) for place in (tmp_path, PUBLISHED.parent))
    assert found == published
    assert set(found) >= {*SPECIES, AS_THEY_ARE.name, *(mistake.name for mistake in mistakes())}
    assert {name for name, _ in points()} <= set(found)


def test_what_is_published_is_good_enough() -> None:
    """At least 93 % of every species covered, at most 1.5 % false alarms, no wrong suggestion, units always noticed."""
    found = table(PUBLISHED.read_text("utf-8"))
    for species in SPECIES:
        assert float(found[species][1].rstrip("%")) >= 93
    assert float(found[AS_THEY_ARE.name][4].rstrip("%")) <= 1.5
    for mistake in mistakes():
        assert found[mistake.name][2] in ("", "0.0%")
        if " in " in mistake.name or "swapped" in mistake.name:
            assert found[mistake.name][4] == "100.0%"


def test_a_mistake_changes_a_copy() -> None:
    """Every one leaves the birds as they are, and all are different."""
    birds = np.array([[measurement.example for measurement in MEASUREMENTS]])
    changed = {mistake.name: mistake.change(birds).tobytes() for mistake in mistakes()}
    assert birds.tolist() == [[measurement.example for measurement in MEASUREMENTS]]
    assert len({*changed.values(), birds.tobytes()}) == len(changed) + 1
