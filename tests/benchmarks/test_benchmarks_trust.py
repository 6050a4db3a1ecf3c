import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.trust.__main__ import run
from benchmarks.trust.cases import AS_THEY_ARE, mistakes, points
from contract.uncertainty import PERCENTS
from tests.support.commands import ROOT
from train.contract import CLASSES, CONTRACT

LEVELS = [f"{percent / 100:g}" for percent in PERCENTS]
PUBLISHED = ROOT / "docs" / "trust.md"


def table(page: str) -> dict[str, list[str]]:
    """Return the cells of each row of the tables of a page, by the first cell."""
    rows = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:2] == "| "]
    rows = [row for row in rows if row[0] != "what"]
    return {name: cells for name, *cells in rows}


def model(page: str) -> tuple[str, str]:
    """Return the start of the digest of the model that was measured, and the XGBoost that trained it."""
    found = re.search(r"^The model is ([0-9a-f]{8}), which XGBoost ([\d.]+) trains\.$", page, re.MULTILINE)
    assert found
    return found[1], found[2]


@pytest.mark.long
def test_the_command_measures_what_is_published(artifacts: Path, tmp_path: Path) -> None:
    """The tables are equal to the last digit: only time and machine may differ.

    The model that another version of XGBoost trains has other probabilities, so other figures for the species.
    """
    run(artifacts, tmp_path)
    pages = [(place / "trust.md").read_text("utf-8") for place in (tmp_path, PUBLISHED.parent)]
    found, published = map(table, pages)
    (digest, version), (published_digest, published_version) = map(model, pages)
    if version == published_version:
        assert digest == published_digest
        assert found == published
    of_model = {*CLASSES, *LEVELS, "level"}
    assert {name: cells for name, cells in found.items() if name not in of_model} == {
        name: cells for name, cells in published.items() if name not in of_model
    }
    for level in LEVELS:  # sets from p-values cover about what they say: 0.05 is one standard error of 68 birds at 0.8
        assert all(float(cell.rstrip("%")) / 100 >= float(level) - 0.06 for cell in found[level][: len(CLASSES)])
    assert good_coverage(found)
    assert set(found) >= {*CLASSES, AS_THEY_ARE.name, *(mistake.name for mistake in mistakes())}
    assert {name for name, _ in points()} <= set(found)


def good_coverage(found: dict[str, list[str]]) -> bool:
    """Return whether the sets hold the true species often enough, for every species."""
    return all(float(found[species][1].rstrip("%")) >= 93 for species in CLASSES)


def test_what_is_published_is_good_enough() -> None:
    """At least 93 % of each species are covered, false alarms are rare, and mistakes of units are noticed."""
    found = table(PUBLISHED.read_text("utf-8"))
    assert good_coverage(found)
    assert float(found[AS_THEY_ARE.name][4].rstrip("%")) <= 1.5
    for mistake in mistakes():
        assert found[mistake.name][2] in ("", "0.0%")
        if " in " in mistake.name or "swapped" in mistake.name:
            assert found[mistake.name][4] == "100.0%"


def test_a_mistake_changes_a_copy() -> None:
    """Each mistake leaves the birds unchanged, and all mistakes are different."""
    birds = np.array([CONTRACT.sample_numbers])
    changed = {mistake.name: mistake.change(birds).tobytes() for mistake in mistakes()}
    assert birds.tolist() == [CONTRACT.sample_numbers]
    assert len({*changed.values(), birds.tobytes()}) == len(changed) + 1
