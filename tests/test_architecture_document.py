"""What docs/architecture.md says is so: its tables of arrows are those that are held, and the names in it exist."""

import re

from tests.support.commands import ROOT
from tests.support.rooms import ROOMS, STAGES

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SOURCES = "".join(
    path.read_text(encoding="utf-8")
    for stage in STAGES
    for suffix in ("py", "c", "h")
    for path in sorted((ROOT / stage).rglob(f"*.{suffix}"))
)
WORDS = set(re.findall(r"\w+", SOURCES))


def rows(heading: str) -> dict[str, set[str]]:
    """The table of what may import what after a heading: the first cell, and the names in the last."""
    section = PAGE.split(heading)[1].split("\n## ")[0]
    found = re.findall(r"^\| `(\w+)` \|.*?([^|]*) \|$", section, re.MULTILINE)
    return {name: set(re.findall(r"`(\w+)`", imported)) for name, imported in found}


def test_its_stages_and_rooms_are_those_of_the_tables() -> None:
    """Room for room, arrow for arrow."""
    assert rows("\n## The stages") == STAGES
    assert rows("\n## The rooms of app/") == ROOMS


def test_its_picture_has_arrows_of_the_table_only() -> None:
    """From a room to one that imports it."""
    arrows = re.findall(r"^ +(\w+) --> (\w+)$", PAGE, re.MULTILINE)
    assert {room for arrow in arrows for room in arrow} == ROOMS.keys()
    for imported, room in arrows:
        assert imported in ROOMS[room], f"{imported} --> {room}"


def test_its_names_exist() -> None:
    """Each function, class and constant, by the parts of its name."""
    prose = re.sub(r"^```.*?^```", "", PAGE, flags=re.DOTALL | re.MULTILINE)
    names = set(re.findall(r"`([A-Za-z_]\w*(?:\.\w+)*)`", prose)) - {"model.h", "reference.json"}
    assert len(names) > 50
    assert {name for name in names if not set(name.split(".")) <= WORDS} - {"main", "process"} == set()
