"""Which cells are judged: all of them, or few that have every pair of values."""

from collections.abc import Iterable
from pathlib import Path

from tests.matrix.cells import Cell, grid, pairwise
from tests.matrix.generate import ANSWERS
from tests.matrix.situations import situations

SMALL = ("1.0.2", "1.7.6", "2.1.4", "3.1.3")  # beside the installed one: the others take too long to download
RECORDED = Path(__file__).parent / "recorded"
TO_RECORD = {  # situations
    "0.90": ("small-classes",),
    "3.3.0": ("small-dart",),
    "3.4.1": ("small-category", "small-classes", "small-dart"),
}


def all_cells(versions: Iterable[str]) -> list[Cell]:
    """Return everything that these versions can train."""
    return [cell for version in versions for cell in (*grid(version), *situations(version))]


def small_cells(versions: tuple[str, ...]) -> list[Cell]:
    """Return cells with every two values that can be together, among those that are compiled too, and each situation
    once, in one of the versions."""
    cells = [cell for version in versions for cell in grid(version)]
    compiled = [cell for cell in cells if is_compiled(cell)]
    once: dict[str, Cell] = {}
    for cell in (cell for version in versions for cell in situations(version)):
        once[cell.situation] = min(once.get(cell.situation, cell), cell, key=lambda cell: cell.number)
    return [*dict.fromkeys([*pairwise(cells), *pairwise(compiled), *once.values()])]


def is_compiled(cell: Cell) -> bool:
    """Tell whether the dimensions of a cell are among those that can be compiled."""
    return cell.booster != "gblinear"


def recorded_cells() -> list[Cell]:
    """Return the cells whose models are in this repository: a machine without their Python judges them too."""
    return [
        cell
        for version, names in TO_RECORD.items()
        for cell in situations(version)
        if cell.situation in names and (RECORDED / version / f"{cell.name}{ANSWERS}").exists()
    ]
