"""The document of one run: every round of every contender. All times are microseconds of one call."""

from operator import truediv
from pathlib import Path
from statistics import median

import msgspec

from contract.refusal import Refusal


class Timing(msgspec.Struct, frozen=True):
    """One contender in one cell, round by round; round i of all contenders ran within the same moment.

    Each round is the mean of `calls` calls. `cpu_us` counts all threads: above the wall's, there were several.
    """

    calls: int
    wall_us: tuple[float, ...]
    cpu_us: tuple[float, ...]


class Cell(msgspec.Struct, frozen=True):
    """One model and one batch. `timings` has our own and each contender's; `skipped` says why others are not here."""

    model: str
    batch: str
    rows: int
    timings: dict[str, Timing]
    skipped: dict[str, str] = {}


class Subject(msgspec.Struct, frozen=True):
    """What a model is: its size, `leaves` the mean per tree, `missing` the share of NaN among the rows."""

    trees: int
    depth: int
    leaves: float
    features: int
    outputs: int
    missing: float


class Machine(msgspec.Struct, frozen=True):
    """Where it ran. `instruction_sets` is how many the compiled library could choose from; it takes the last."""

    cpu: str
    cores: int
    system: str
    python: str
    instruction_sets: int


class Results(msgspec.Struct, frozen=True):
    """Everything the tables and pictures are made from. `contenders` maps a module to the name to print."""

    date: str
    commit: str
    command: str
    seconds: float
    machine: Machine
    contenders: dict[str, str]
    versions: dict[str, str]
    models: dict[str, Subject]
    cells: tuple[Cell, ...]


def per_row(cell: Cell, contender: str) -> float:
    """The median of the rounds, microseconds per row."""
    return median(cell.timings[contender].wall_us) / cell.rows


def ratio(cell: Cell, contender: str, ours: str) -> float:
    """How many times faster ours is: the median over the rounds of theirs / ours within the same round."""
    pairs = zip(cell.timings[contender].wall_us, cell.timings[ours].wall_us, strict=True)
    return median(theirs / mine for theirs, mine in pairs)


def closest(cell: Cell, ours: str) -> tuple[float, str] | None:
    """The smallest ratio and whose it is: how we stand against the best of the others."""
    return min(((ratio(cell, name, ours), name) for name in cell.timings if name != ours), default=None)


def most_threads(cells: tuple[Cell, ...]) -> float:
    """The largest median, of all contenders, of the processor's time over the wall's: about 1 where none cheats."""
    timings = [timing for cell in cells for timing in cell.timings.values()]
    return max((median(map(truediv, timing.cpu_us, timing.wall_us)) for timing in timings), default=0.0)


def read_results(path: Path) -> Results:
    """A stored document. Raises Refusal."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Results)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(f"{path}: no stored results ({error}); measure first: python -m benchmarks") from error
