"""Files of birds, and the command that scores them, which may be killed."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from score.bundle import Bundle
from score.files.answering import Answering
from score.files.directory import DirectoryPlace
from score.files.finding import find
from score.files.job import Failed, Options, Record
from score.files.parts import parts_of
from tests.support.commands import HANG_SECONDS, ROOT

Digests = dict[str, str]


def birds(rows: int, seed: int = 1) -> pa.Table:
    """Return varied birds, with a number each; some cannot be judged."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    masses = [chance.choice([3.75, None]) if i % 50 == 7 else chance.randrange(2700, 6300) for i in range(rows)]
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "bill_length_mm": [round(chance.uniform(32, 60), 1) for _ in range(rows)],
            "bill_depth_mm": [round(chance.uniform(13, 21.5), 1) for _ in range(rows)],
            "flipper_length_mm": [chance.randrange(172, 231) for _ in range(rows)],
            "body_mass_g": pa.array(masses, pa.float64()),
        }
    )


def season(directory: Path, rows: int = 3000, groups: int = 6) -> Path:
    """Write a season's files: Parquet of several row groups, CSV, JSON lines and Arrow. Return the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    table = birds(rows)
    pq.write_table(table, directory / "birds.parquet", row_group_size=-(-rows // groups))
    pa.csv.write_csv(table.slice(0, rows // 2), directory / "birds.csv")
    (directory / "more").mkdir(exist_ok=True)
    lines = table.slice(0, rows // 4).to_pylist()
    (directory / "more" / "birds.ndjson").write_text("".join(json.dumps(each) + "\n" for each in lines))
    with pa.ipc.new_file(directory / "more" / "birds.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=1000)
    return directory


def spoil(path: Path, how: str) -> None:
    """Make a faulty file of a good one."""
    data = path.read_bytes()
    if how == "empty":
        path.write_bytes(b"")
    elif how == "half":
        path.write_bytes(data[: len(data) // 2])
    elif how == "flipped":
        path.write_bytes(data[:100] + bytes(byte ^ 0xFF for byte in data[100:200]) + data[200:])
    elif how == "text":
        path.write_bytes(b"<html>not found</html>")
    else:
        pq.write_table(birds(5).rename_columns(["id", "culmen", "depth", "flipper", "mass"]), path)


def command(
    bundle: Path | str, *arguments: str | Path, task: tuple[int, int] | None = None, limit: int = 0, **environment: str
) -> "subprocess.Popen[str]":
    """Start the command in a process group of its own. `task` is its number, and how many there are.

    Files may have at most `limit` bytes, if it is not 0.
    """
    cloud_run = {} if task is None else {"CLOUD_RUN_TASK_INDEX": str(task[0]), "CLOUD_RUN_TASK_COUNT": str(task[1])}
    limited = ["prlimit", f"--fsize={limit}"] if limit else []
    return subprocess.Popen(
        [*limited, sys.executable, "-m", "score", *map(str, arguments), "--bundle", str(bundle)],
        cwd=ROOT,
        env={**os.environ, "ALLOW_UNSIGNED_BUNDLES": "1", **cloud_run, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(process: "subprocess.Popen[str]") -> subprocess.CompletedProcess[str]:
    """Wait for the end of a command."""
    out, err = process.communicate(timeout=HANG_SECONDS)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def scored(bundle: Path | str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return finished(command(bundle, *arguments, task=None, limit=0, **environment))


def answered(source: Path, out: Path, bundle: Bundle, options: Options | None = None) -> list[Record]:
    """Answer all parts of a file or a directory in this process. Raises Failed for the first that fails."""
    parts, failed = parts_of(find([str(source)], str(out)))
    if failed:
        raise Failed(next(iter(failed.values())))
    answering = Answering(bundle, options or Options(), DirectoryPlace(str(out)), lambda *_: None)
    return [answering.answer(part) for part in parts]


def kill_after(process: "subprocess.Popen[str]", seconds: float) -> bool:
    """Kill a command and all its workers after some time. Return whether it was still running."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    ran = process.poll() is None
    if ran:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return ran


def digests(directory: Path) -> Digests:
    """Return the SHA-256 of every file below a directory."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
