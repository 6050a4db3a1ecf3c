"""Birds in Parquet files, and the session that reads them: this machine's cores, no other process of Spark's."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.contenders.models import PENGUIN, load_model
from benchmarks.machine import ROOT
from train.contract import CONTRACT

ARTIFACTS = ROOT / "artifacts"
DRAWN_ROWS = 1_000_000  # different birds; larger tables repeat them
FILE_ROWS = 250_000
BATCH_ROWS = 32_768  # of a batch of Arrow, for every contender; Spark's default is 10,000


def written(rows: int, directory: Path = ARTIFACTS / "bench" / "spark") -> Path:
    """Return a directory of Parquet files with so many birds, which stays for the next run."""
    place = directory / f"birds-{rows}"
    if (place / "_DONE").exists():
        return place
    place.mkdir(parents=True, exist_ok=True)
    drawn = load_model(PENGUIN, ARTIFACTS).draw(min(rows, DRAWN_ROWS)).astype("float64").round(1)
    step = min(FILE_ROWS, rows // (os.cpu_count() or 1))  # each core gets the same
    for start in range(0, rows, step):
        some = drawn[np.arange(start, min(start + step, rows)) % len(drawn)]
        columns = {name: some[:, number] for number, name in enumerate(CONTRACT.input_names)}
        ids = pa.array(range(start, start + len(some)), pa.int64())
        pq.write_table(pa.table({"id": ids, **columns}), place / f"birds-{start // step:04}.parquet")
    (place / "_DONE").touch()
    return place


@contextlib.contextmanager
def session(scratch: Path) -> Iterator[Any]:
    """Give a session with as many tasks at once as this machine has cores."""
    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    from pyspark.sql import SparkSession

    settings = {
        "spark.driver.memory": "4g",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.local.dir": str(scratch),
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH_ROWS),
    }
    builder = SparkSession.builder.master(f"local[{os.cpu_count()}]").appName("spark-bench")
    for name, value in settings.items():
        builder = builder.config(name, value)
    made = builder.getOrCreate()
    made.sparkContext.setLogLevel("ERROR")
    try:
        yield made
    finally:
        made.stop()
