"""What a thousand million birds take, computed from costs a row that were measured here."""

import math
from typing import NamedTuple

from benchmarks.spark.contenders import CARRY, OURS, READ
from benchmarks.spark.measure import Measured
from benchmarks.tables import figure, table

BIRDS = 1_000_000_000
EXECUTORS, CORES_EACH = (1, 10, 100), 4
SPLIT_BYTES = 128 << 20  # spark.sql.files.maxPartitionBytes
GIGABYTE, MEGABYTE = 1e9, 1e6


class Costs(NamedTuple):
    """Core-microseconds a row of each part, and bytes a row that are read and written."""

    reading: float
    arrow: float
    model: float
    writing: float
    read_bytes: float
    written_bytes: float

    @property
    def whole(self) -> float:
        """Core-microseconds a row of everything."""
        return self.reading + self.arrow + self.model + self.writing


def costs(found: dict[str, Measured], rows: int, cores: int, read_bytes: int) -> Costs:
    """Return the costs a row from whole times in which all cores worked. What noise makes negative is zero."""
    read, carry, ours = found[READ], found[CARRY], found[OURS]
    seconds = (read.answer, carry.answer - read.answer, ours.answer - carry.answer, ours.write - ours.answer)
    reading, arrow, model, writing = (max(0.0, part) * cores / rows * 1e6 for part in seconds)
    return Costs(reading, arrow, model, writing, read_bytes / rows, ours.written_bytes / rows)


def parts_table(cost: Costs) -> str:
    """Return where the time of all birds goes."""
    names = ("reading Parquet", "Arrow: to Python and back", "model, sets, distances, reasons", "writing Parquet")
    parts = cost[: len(names)]
    lines = [
        [name, figure(part), figure(part * BIRDS / 1e6), f"{part / cost.whole:.0%}"]
        for name, part in zip((*names, "all"), (*parts, cost.whole), strict=True)
    ]
    return table(["part", "core-µs a row", "core-seconds for all birds", "share"], lines)


def executors_table(cost: Costs, start_seconds: float) -> str:
    """Return what some numbers of executors give, with splits of Spark's own size, and with three tasks a core."""
    lines = []
    for executors in EXECUTORS:
        cores = executors * CORES_EACH
        tasks = math.ceil(cost.read_bytes * BIRDS / SPLIT_BYTES)
        whole = _seconds(cost, cores, tasks) + start_seconds
        fine = _seconds(cost, cores, max(tasks, 3 * cores)) + start_seconds
        rate = cost.read_bytes * BIRDS / fine / MEGABYTE
        lines.append([f"{executors}", f"{cores}", *map(figure, (whole, fine)), f"{tasks:,}", figure(rate)])
    head = ["executors", "cores", "seconds", "seconds with 3 tasks a core or more", "splits of 128 MiB", "MB/s read"]
    return table(head, lines)


def _seconds(cost: Costs, cores: int, tasks: int) -> float:
    """Return the seconds of equal tasks on so many cores: a core that has none left waits for the last."""
    return math.ceil(tasks / cores) * cost.whole * BIRDS / 1e6 / tasks


def bytes_table(cost: Costs) -> str:
    """Return what is read and written."""
    lines = [
        [name, figure(each), figure(each * BIRDS / GIGABYTE)]
        for name, each in (("read", cost.read_bytes), ("written", cost.written_bytes))
    ]
    return table(["Parquet", "bytes a row", "GB for all birds"], lines)
