"""python -m tests.score.speed [--rows N]: measure, and write the figures into docs/many-rows.md."""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from score.answers import Choice
from score.arrow import ArrowScorer
from score.bundle import load_bundle
from score.files.reading import BATCH_ROWS
from tests.score.speed.rivals import copy, middle
from tests.support.commands import ROOT

DOCUMENT = ROOT / "docs" / "many-rows.md"
BEGIN, END = "<!-- figures: make score-bench -->\n", "<!-- end of figures -->"
GROUPS = 20
WHOLE_ROUNDS = 3


def season(path: Path, rows: int) -> None:
    """Write varied birds in row groups."""
    chance = np.random.default_rng(1)
    each = rows // GROUPS
    writer = None
    for group in range(GROUPS):
        table = pa.table(
            {
                "id": np.arange(group * each, (group + 1) * each),
                "bill_length_mm": np.round(chance.uniform(32, 60, each), 1),
                "bill_depth_mm": np.round(chance.uniform(13, 21.5, each), 1),
                "flipper_length_mm": chance.integers(172, 231, each).astype(np.float64),
                "body_mass_g": chance.integers(2700, 6300, each).astype(np.float64),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table, row_group_size=each)
    assert writer
    writer.close()


def command(source: Path, out: Path, bundle: Path) -> tuple[float, float]:
    """Run the command. Return its seconds, and the most MiB that all its processes together had at once."""
    start, most = time.perf_counter(), 0
    arguments = [sys.executable, "-m", "score", str(source), "--out", str(out), "--bundle", str(bundle), "--quiet"]
    process = subprocess.Popen(arguments, cwd=ROOT)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        with suppress(OSError):  # one has just ended
            most = max(most, sum(map(resident, [str(process.pid), *children.read_text().split()])))
        time.sleep(0.05)
    assert process.returncode == 0
    return time.perf_counter() - start, most / (1 << 20)


def resident(pid: str) -> int:
    """Return the resident bytes of a process; pages that several share count for each."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def figures(rows: int, directory: Path) -> str:
    """Measure, and return the table."""
    bundle_path = ROOT / "artifacts" / "bundle"
    bundle, source = load_bundle(bundle_path), directory / "birds.parquet"
    season(source, rows)
    pa.set_cpu_count(1)
    batches = [*pq.ParquetFile(source).iter_batches(BATCH_ROWS, row_groups=[0], use_threads=False)]
    part = middle(bundle, ROOT / "artifacts" / "penguin_model.json", batches)
    scorer = ArrowScorer(bundle, batches[0].schema, Choice([]), dictionaries=True)
    answers = [scorer.score(batch) for batch in batches]
    processes = len(os.sched_getaffinity(0))
    whole, copied, memory = [], [], []
    for number in range(WHOLE_ROUNDS):
        seconds, most = command(source, directory / f"scored{number}", bundle_path)
        whole.append(seconds)
        memory.append(most)
        copied.append(copy(source, directory / f"copied{number}", answers, processes))
        shutil.rmtree(directory / f"scored{number}")
        shutil.rmtree(directory / f"copied{number}")
    ours, other = statistics.median(whole), statistics.median(copied)
    middle_rows = [
        ("`ArrowScorer.score`: answers, sets, distances, reasons", "ours"),
        ("the same, but only probabilities and reasons come back (`--answers`)", "probabilities"),
        ("`Booster.inplace_predict` of features that are there: probabilities", "inplace_predict"),
        ("columns to features, then `Booster.inplace_predict`", "with features"),
    ]
    lines = [
        f"{rows:,} rows in {GROUPS} row groups, {processes} processes, Python {platform.python_version()},",
        f"{platform.machine()}, {datetime.now(UTC):%d %B %Y}. What is in one table was measured in turns, in one run.",
        *("", "| between reading and writing, one thread | ns a row | ratio |", "|---|---|---|"),
        *(f"| {name} | {part[key]:.0f} | {part[key] / part['ours']:.1f} |" for name, key in middle_rows),
        *("", "| the whole | seconds | rows a second | most memory, MiB |", "|---|---|---|---|"),
        f"| `python -m score`: start-up, digests and fsync too | {ours:.1f} | {rows / ours:,.0f} | {max(memory):.0f} |",
        f"| the same columns read and the same output written, no model | {other:.1f} | {rows / other:,.0f} | |",
        *("", f"The whole takes {ours / other:.2f} times as long as without a model."),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.score.speed", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, metavar="N")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        text = figures(options.rows, Path(directory))
    print(text)
    if options.rows == parser.get_default("rows"):
        before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
        DOCUMENT.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
