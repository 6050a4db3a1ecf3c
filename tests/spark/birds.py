"""Tables of made-up birds, most of them right, some with a reason, in Parquet files."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from score.arrow import score
from score.bundle import load_bundle
from score.lake.plain import plain_schema
from train.contract import CONTRACT


def table(rows: int, start: int = 0) -> pa.Table:
    """Return birds whose ids begin with `start`. One in 50 is out of bounds, one in 70 has no body mass."""
    random = np.random.default_rng(start)
    drawn = {each.name: random.uniform(*(each.typical or each.bounds), rows).round(1) for each in CONTRACT.inputs}
    drawn[CONTRACT.input_names[0]][::50] = 500.0
    columns = {name: pa.array(values) for name, values in drawn.items()}
    last = CONTRACT.input_names[-1]
    columns[last] = pa.array(drawn[last], mask=np.arange(rows) % 70 == 3)
    ids = np.arange(start, start + rows)
    return pa.table({"id": ids, "note": [f"bird {each}" for each in ids], **columns})


def write(directory: Path, files: int, rows: int) -> pa.Table:
    """Write files of some row groups, and return all birds."""
    directory.mkdir(parents=True, exist_ok=True)
    tables = [table(rows, start=number * rows) for number in range(files)]
    for number, each in enumerate(tables):
        pq.write_table(each, directory / f"birds-{number}.parquet", row_group_size=max(1, rows // 3))
    return pa.concat_tables(tables)


def on_one_machine(birds: pa.Table, bundle: Path) -> pa.Table:
    """Return the answers of score.arrow in this process, sorted by id."""
    loaded = load_bundle(bundle)
    batches = [score(batch, loaded) for batch in birds.combine_chunks().to_batches()]
    scored = pa.Table.from_batches(batches)
    return scored.cast(plain_schema(scored.schema)).sort_by("id").combine_chunks()


def read(directory: Path) -> pa.Table:
    """Return what Spark has written, sorted by id."""
    return pq.read_table(directory).sort_by("id").combine_chunks()


def same_bits(one: pa.Table, other: pa.Table) -> bool:
    """Return whether two tables have the same columns, and the same bits in each row."""
    if one.column_names != other.column_names or one.num_rows != other.num_rows:
        return False
    return all(_bits(one[name]) == _bits(other[name]) for name in one.column_names)


def _bits(column: pa.ChunkedArray) -> list[object]:
    values = column.to_pylist()
    return [each.hex() if isinstance(each, float) else each for each in values]
