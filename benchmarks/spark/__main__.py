"""python -m benchmarks.spark [--quick]: score.spark beside its rivals, and what a lake takes: docs/scale.md."""

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import heading
from benchmarks.page import options, write_page
from benchmarks.spark.birds import session, written
from benchmarks.spark.contenders import BUNDLE, CARRY, IDENTITY, NAMES, OURS, OWN, READ, agree, contenders
from benchmarks.spark.measure import Measured, measure
from benchmarks.spark.paper import bytes_table, costs, executors_table, parts_table
from benchmarks.tables import figure, table, times
from bundle.fetch import read_directory
from bundle.verify import IN_PLACE, Wanted
from contract.refusal import exit_status
from score.bundle import load_verified
from score.lake.archive import archive_name, read_archive, write_archive

# Rounds for each number of rows, and who takes part: the rivals take a quarter of an hour for the larger one.
SIZES = {5_000_000: (3, NAMES), 50_000_000: (1, OWN)}
QUICK = {400_000: (1, NAMES)}
FEW = 20_000  # birds, to compare answers and to warm up
PACKAGES = ("pyspark", "pyarrow", "pandas", "xgboost")


def contenders_table(found: dict[str, Measured], rows: int) -> str:
    """Return a line for each contender."""
    identity, ours = found[IDENTITY].answer, found[OURS].answer - found[IDENTITY].answer
    lines = []
    for name, each in found.items():
        own = each.answer - identity
        beyond = [figure(own), times(own / ours)] if name not in (READ, IDENTITY, CARRY) and ours > 0 else ["", ""]
        times_of = [figure(each.write), figure(rows / each.write), figure(each.answer)]
        lines.append([name, *times_of, *beyond, figure(each.workers_mib)])
    head = ["way", "written, s", "rows/s", "answered, s", "beyond identity, s", "ours is 1x", "Python, MiB"]
    return table(head, lines)


def start_milliseconds(scratch: Path) -> float:
    """Return what a Python worker takes to verify, map and check the bundle."""
    bundle = read_directory(BUNDLE, IN_PLACE, Wanted(all_platforms=True))
    path = scratch / archive_name(bundle.digest)
    write_archive(path, bundle)
    start = time.perf_counter()
    load_verified(read_archive(path, bundle.digest, "", required=False))
    return (time.perf_counter() - start) * 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, measure, and write the page. Returns the exit status."""
    quick, out = options("spark", arguments)

    def run() -> None:
        with tempfile.TemporaryDirectory(prefix="spark-bench-") as name:
            scratch = Path(name)
            start = start_milliseconds(scratch)
            tables, cost = [], None
            few = written(FEW)
            with session(scratch) as spark:
                agree(contenders(), spark.read.parquet(str(few)))
            for rows, (rounds, names) in (QUICK if quick else SIZES).items():
                place = written(rows)
                found = measure(place, few, rounds, names, scratch)
                size = sum(path.stat().st_size for path in place.glob("*.parquet"))
                cost = costs(found, rows, os.cpu_count() or 1, size)
                tables.append(f"### {rows:,} birds\n\n{contenders_table(found, rows)}")
        assert cost
        write_page(
            out / "scale.md",
            heading("A thousand million birds", "make spark-bench", PACKAGES),
            measured="\n\n".join(tables),
            parts=parts_table(cost),
            executors=executors_table(cost, start / 1000),
            bytes=bytes_table(cost),
            start=figure(start),
        )

    return exit_status(run)


if __name__ == "__main__":
    sys.exit(main())
