"""What pytest-benchmark has written with --benchmark-json, and ratios within a round."""

from statistics import median

import msgspec

from benchmarks.machine import Made
from benchmarks.timed.cells import CELLS, JSON, OURS, REQUEST_ROUNDS


class About(msgspec.Struct, frozen=True):
    """What turns.take stored about a contender. `rounds` has the number of the round of each time."""

    rounds: tuple[int, ...]
    rows: int = 1
    words: str = ""
    model: str = ""
    left_out: dict[str, str] = {}
    instruction_sets: int = 0


class Times(msgspec.Struct, frozen=True):
    """Seconds of one call, by turn."""

    data: tuple[float, ...]


class Row(msgspec.Struct, frozen=True):
    """One contender of one group."""

    group: str
    name: str
    extra_info: About
    stats: Times

    @property
    def us(self) -> float:
        """Return the median of the turns, in microseconds for one row of input."""
        return median(self.stats.data) / self.extra_info.rows * 1e6


class Saved(msgspec.Struct, frozen=True):
    """One run. `made` was added by conftest.py."""

    made: Made
    benchmarks: tuple[Row, ...]

    def group(self, model: str, batch: str) -> dict[str, Row]:
        """Return the contenders of one cell, by name; empty if it was not measured."""
        return {row.name: row for row in self.benchmarks if row.group == f"{model}-{batch}"}

    def words(self) -> dict[str, str]:
        """Return how tables name each contender."""
        return {row.name: row.extra_info.words for row in self.benchmarks}

    def models(self) -> dict[str, str]:
        """Return the description of each model that was measured."""
        return {row.group.rpartition("-")[0]: row.extra_info.model for row in self.benchmarks}

    def batches(self, *models: str) -> list[str]:
        """Return the batches that were measured with these models, or with any: JSON first, then by size."""
        groups = [row.group.rpartition("-") for row in self.benchmarks]
        found = {batch for model, _, batch in groups if model in (models or self.models())}
        return sorted(found, key=lambda batch: 0 if batch == JSON else int(batch))

    def complete(self) -> bool:
        """Return whether every cell was measured in all its rounds: only such a run is published."""
        return {row.group: len(row.stats.data) for row in self.benchmarks} in (CELLS, {"request": REQUEST_ROUNDS})


def ratio(theirs: Row, ours: Row) -> float:
    """Return the median over the rounds of theirs / ours within one round: how many times faster ours is."""
    mine = dict(zip(ours.extra_info.rounds, ours.stats.data, strict=True))
    pairs = zip(theirs.extra_info.rounds, theirs.stats.data, strict=True)
    return median(seconds / mine[number] for number, seconds in pairs if number in mine)


def closest(cell: dict[str, Row]) -> tuple[float, str] | None:
    """Return the smallest ratio and its contender: the best of the others."""
    others = (row for name, row in cell.items() if name != OURS)
    return min(((ratio(row, cell[OURS]), row.name) for row in others), default=None)
