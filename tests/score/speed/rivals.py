"""What is measured: the part between reading and writing, and a copy of the files without a model."""

import multiprocessing
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xgboost

from compile.certification.probes import derive_rows
from score.answers import Choice
from score.arrow import ArrowScorer
from score.bundle import Bundle
from score.files.reading import BATCH_ROWS
from score.files.writing import ROW_GROUP_ROWS

ROUNDS = 7


def alternated(*works: Callable[[], object]) -> list[float]:
    """Return the median seconds of each work, of several rounds of all."""
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, taken in zip(works, seconds, strict=True):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
    return [statistics.median(each) for each in seconds]


def middle(bundle: Bundle, model: Path, batches: list[pa.RecordBatch]) -> dict[str, float]:
    """Return ns a row, on one thread, of what is between reading and writing: by name, ours and the Booster's."""
    scorer = ArrowScorer(bundle, batches[0].schema, dictionaries=True)
    named = [f"probability_{name}" for name in bundle.contract.output.classes]
    narrow = ArrowScorer(bundle, batches[0].schema, Choice(answers=named))
    booster = xgboost.Booster({"nthread": 1}, model_file=model)
    names = bundle.contract.input_names

    def features(batch: pa.RecordBatch) -> Any:
        columns = [batch.column(name).to_numpy() for name in names]
        return derive_rows(bundle.contract, np.column_stack(columns).astype(np.float32))

    made = [features(batch) for batch in batches]
    rows = sum(batch.num_rows for batch in batches)
    seconds = alternated(
        lambda: [scorer.score(batch) for batch in batches],
        lambda: [narrow.score(batch) for batch in batches],
        lambda: [booster.inplace_predict(features(batch), validate_features=False) for batch in batches],
        lambda: [booster.inplace_predict(each, validate_features=False) for each in made],
    )
    return {
        name: taken / rows * 1e9
        for name, taken in zip(("ours", "probabilities", "with features", "inplace_predict"), seconds, strict=True)
    }


def copy(source: Path, out: Path, answers: list[pa.RecordBatch], processes: int) -> float:
    """Return the seconds for reading the same columns and writing the same output, with answers that are known."""
    out.mkdir()
    groups = pq.read_metadata(source).num_row_groups
    start = time.perf_counter()
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        pool.starmap(_copy, [(source, out / f"{i}.parquet", i, answers) for i in range(groups)], chunksize=1)
    return time.perf_counter() - start


def _copy(source: Path, out: Path, group: int, answers: list[pa.RecordBatch]) -> None:
    file = pq.ParquetFile(source, pre_buffer=False, buffer_size=1 << 20)
    schema = pa.schema([*file.schema_arrow, *answers[0].schema])
    held: list[pa.RecordBatch] = []
    with pq.ParquetWriter(out, schema) as writer:
        for i, batch in enumerate(file.iter_batches(BATCH_ROWS, row_groups=[group], use_threads=False)):
            known = answers[i].slice(0, batch.num_rows)
            held.append(pa.RecordBatch.from_arrays([*batch.columns, *known.columns], schema=schema))
            if sum(each.num_rows for each in held) >= ROW_GROUP_ROWS:
                writer.write_table(pa.Table.from_batches(held))
                held = []
        if held:
            writer.write_table(pa.Table.from_batches(held))
