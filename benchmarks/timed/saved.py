"""What pytest-benchmark has written with --benchmark-json, and ratios within a round."""

from pathlib import Path
from statistics import median

import msgspec

from benchmarks.machine import ROOT
from contract.refusal import Refusal

STORED = ROOT / "artifacts" / "bench"


class Stats(msgspec.Struct, frozen=True):
    """Seconds of one call, by round."""

    data: tuple[float, ...]


class About(msgspec.Struct, frozen=True):
    """What bench_model.py says about a row: the names of model and contender in tables, and the model in words.

    `state` is how rows were asked, if not one after another. `wrong` says what is wrong with the answers, if anything.
    """

    model: str = ""
    rows: int = 1
    contender: str = ""
    about: str = ""
    instruction_sets: int = 0
    state: str = ""
    wrong: str = ""


class Row(msgspec.Struct, frozen=True):
    """One contender in one cell, or one part of a request."""

    name: str
    stats: Stats
    extra_info: About = About()

    @property
    def us(self) -> float:
        """Return the median of the rounds, in microseconds for one row of input."""
        return median(self.stats.data) / self.extra_info.rows * 1e6

    def ratio(self, other: "Row") -> float:
        """Return the median over the rounds of this time over the other's within the same round."""
        return median(mine / theirs for mine, theirs in zip(self.stats.data, other.stats.data, strict=True))


class Saved(msgspec.Struct, frozen=True):
    """One run."""

    benchmarks: tuple[Row, ...]


def read_saved(name: str, command: str, directory: Path = STORED) -> tuple[Row, ...]:
    """Return the rows of a stored run. Raises Refusal that names the command which stores one."""
    path = directory / f"{name}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Saved).benchmarks
    except (OSError, msgspec.DecodeError) as error:
        raise Refusal(f"{path}: no stored results ({error}); measure first: {command}") from error
