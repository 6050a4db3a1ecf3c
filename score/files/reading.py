"""The rows of a part, as batches of Arrow. The same batches on every run, whatever the machine is."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from score.files.job import Failed, Part

# At most: what is answered of so many rows stays in a core's second cache; with twice as many it takes a fifth longer.
BATCH_ROWS, BATCH_CELLS = 32_768, 1 << 20
BUFFER_BYTES = 1 << 20  # of a column that are read at once
HASHED_BYTES = 1 << 20
READING = (pa.ArrowException, OSError, EOFError, ValueError)  # what Arrow raises for bytes that are no table


class Batches(Protocol):
    """The rows of a part. `faults` are those rows of the last batch that could not be read, with the reason."""

    schema: pa.Schema

    def __iter__(self) -> Iterator[tuple[pa.RecordBatch, dict[int, str]]]:
        """Yield the batches, each with the rows that could not be read, and the reason. Raises Failed."""
        ...

    def share(self) -> float:
        """Return how much of the part is read, from 0 to 1."""
        ...


class ParquetBatches:
    """One row group of a Parquet file. Only the columns that are needed are read."""

    def __init__(self, file: IO[bytes], part: Part, wanted: set[str] | None) -> None:
        """`wanted` are the names of the columns that are needed, or None for all. Raises Failed."""
        self._path = part.source.path
        with reading(self._path):
            self._file = pq.ParquetFile(file, buffer_size=BUFFER_BYTES, pre_buffer=False)
            whole = self._file.schema_arrow
            self._columns = [name for name in whole.names if wanted is None or name in wanted]
            fields = [field for field in whole if wanted is None or field.name in wanted]
            self.schema = pa.schema(fields, _plain_metadata(whole))
        self._group = part.group or 0
        self._rows = max(1, self._file.metadata.row_group(self._group).num_rows) if part.groups else 1
        self._part = part
        self._done = 0

    def __iter__(self) -> Iterator[tuple[pa.RecordBatch, dict[int, str]]]:
        """Yield as Batches says."""
        with reading(self._path):
            if not self._file.num_row_groups:
                return
            batches = self._file.iter_batches(
                rows_of(len(self._columns)), row_groups=[self._group], columns=self._columns, use_threads=False
            )
            for batch in batches:
                self._done += batch.num_rows
                yield pa.RecordBatch.from_arrays(batch.columns, schema=self.schema), {}

    def share(self) -> float:
        """Return as Batches says."""
        return self._done / self._rows


class ArrowBatches:
    """A file of Arrow: the format for files, also called Feather 2, or the one for streams."""

    def __init__(self, file: IO[bytes], part: Part) -> None:
        """Raise Failed if it is neither."""
        self._path, self._file, self._size = part.source.path, file, max(1, part.source.size)
        with reading(self._path):
            try:
                self._reader: Any = pa.ipc.open_file(file)
                self._batches = (self._reader.get_batch(i) for i in range(self._reader.num_record_batches))
            except pa.ArrowInvalid:
                file.seek(0)
                self._reader = pa.ipc.open_stream(file)
                self._batches = iter(self._reader)
            self.schema = self._reader.schema.with_metadata(_plain_metadata(self._reader.schema))
        self._done = 0.0

    def __iter__(self) -> Iterator[tuple[pa.RecordBatch, dict[int, str]]]:
        """Yield as Batches says."""
        with reading(self._path):
            for batch in self._batches:
                step = rows_of(batch.num_columns)
                for start in range(0, batch.num_rows, step):
                    some = batch.slice(start, step)
                    self._done = self._file.tell() / self._size
                    yield pa.RecordBatch.from_arrays(some.columns, schema=self.schema), {}

    def share(self) -> float:
        """Return as Batches says."""
        return min(1.0, self._done)


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Raise Arrow's errors as Failed, which names the file."""
    try:
        yield
    except READING as error:
        found = " ".join(str(error).split())[:300]
        raise Failed(f"{path}: expected a whole file that Arrow can read, found: {found}; write it again") from error


def rows_of(columns: int) -> int:
    """Return how many rows of so many columns are a batch."""
    return max(1, min(BATCH_ROWS, BATCH_CELLS // max(1, columns)))


def groups_of(file: IO[bytes], path: str) -> tuple[int, int]:
    """Return how many row groups and rows a Parquet file has. Raises Failed."""
    with reading(path):
        metadata = pq.read_metadata(file)
    return metadata.num_row_groups, metadata.num_rows


def digest_of(file: IO[bytes], part: Part) -> str:
    """Return the SHA-256 of a part's bytes: of its file, or where its row group's columns are. Raises Failed."""
    digest = hashlib.sha256()
    with reading(part.source.path):
        start, end = 0, part.source.size
        if part.group is not None:
            start, end = _range_of(pq.read_metadata(file).row_group(part.group))
        file.seek(start)
        while start < end and (piece := file.read(min(HASHED_BYTES, end - start))):
            digest.update(piece)
            start += len(piece)
        file.seek(0)
    return digest.hexdigest()


def _range_of(group: Any) -> tuple[int, int]:
    """Return where the bytes of a row group begin and end."""
    columns = [group.column(i) for i in range(group.num_columns)]
    starts = [min(place for place in (each.dictionary_page_offset, each.data_page_offset) if place) for each in columns]
    ends = [start + each.total_compressed_size for start, each in zip(starts, columns, strict=True)]
    return min(starts, default=0), max(ends, default=0)


def _plain_metadata(schema: pa.Schema) -> dict[bytes, bytes] | None:
    """Return a schema's metadata without what describes other columns than there will be."""
    kept = {key: value for key, value in (schema.metadata or {}).items() if key not in (b"pandas", b"ARROW:schema")}
    return kept or None
