"""Answers as a file: Parquet, CSV or Arrow, in the form in which the rows came. The same bytes on every run."""

import csv
import hashlib
import io
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.ipc
import pyarrow.parquet as pq

from score.files.job import Form, Output

ROW_GROUP_ROWS, ROW_GROUP_CELLS = 131_072, 1 << 22  # at most, of what is written: held until it is full


class Digested:
    """A file that is written from its beginning to its end. It counts and hashes what it gets."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        """Write all bytes of a buffer. Raises OSError."""
        view = memoryview(data)
        self._digest.update(view)
        self._size += view.nbytes
        self._file.write(view)
        return view.nbytes

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._size

    def flush(self) -> None:
        """Do nothing: whoever made the file flushes it."""

    def close(self) -> None:
        """Do nothing: whoever made the file closes it."""

    def readable(self) -> bool:
        """Return that it cannot be read."""
        return False

    def writable(self) -> bool:
        """Return that it can be written."""
        return True

    def seekable(self) -> bool:
        """Return that it cannot be sought."""
        return False

    def output(self, name: str, rows: int) -> Output:
        """Return what was written."""
        return Output(name, self._size, self._digest.hexdigest(), rows)


class Writer(Protocol):
    """Writes batches of one schema. Raises OSError."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a batch."""
        ...

    def close(self) -> None:
        """Write the end."""
        ...


class ParquetWriter:
    """Writes row groups."""

    def __init__(self, file: Digested, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(file, schema)
        self._schema = schema
        self._held: list[pa.RecordBatch] = []
        self._rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a batch, or hold it until a row group is full."""
        self._held.append(batch)
        self._rows += batch.num_rows
        if self._rows >= ROW_GROUP_ROWS or self._rows * len(self._schema) >= ROW_GROUP_CELLS:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_batches(self._held, self._schema))
        self._held, self._rows = [], 0

    def close(self) -> None:
        """Write the last row group and the footer."""
        self._flush()
        self._writer.close()


class ArrowWriter:
    """Writes the format for files."""

    def __init__(self, file: Digested, schema: pa.Schema) -> None:
        # A dictionary may change from batch to batch, which this format does not allow: its values are written.
        self._schema = pa.schema([field.with_type(_plain(field.type)) for field in schema], schema.metadata)
        self._writer = pa.ipc.new_file(file, self._schema)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a batch."""
        self._writer.write_batch(batch.cast(self._schema))

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


class CsvWriter:
    """Writes lines with quotes where they are needed. Numbers have a decimal comma if the file had."""

    def __init__(self, file: Digested, schema: pa.Schema, delimiter: str, comma: bool) -> None:
        self._file, self._delimiter, self._comma = file, delimiter, comma
        self._quoted([schema.names])
        self._options = arrow_csv.WriteOptions(include_header=False, quoting_style="none", delimiter=delimiter)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a batch."""
        text = pa.RecordBatch.from_arrays([*map(self._text, batch.columns)], batch.schema.names)
        plain = io.BytesIO()
        try:
            arrow_csv.write_csv(text, plain, self._options)
        except pa.ArrowInvalid:  # a cell has a delimiter, a quote or the end of a line
            self._quoted(zip(*(column.to_pylist() for column in text.columns), strict=True))
        else:
            self._file.write(plain.getbuffer())

    def _text(self, column: pa.Array) -> pa.Array:
        """Return a column as text. Float32 has the digits of its float64, as POST /predict has."""
        kind = column.type
        if pa.types.is_string(kind):
            return column
        if pa.types.is_floating(kind):
            column = column.cast(pa.float64())
        text = column.cast(pa.string())
        return pc.replace_substring(text, ".", ",") if self._comma and pa.types.is_floating(kind) else text

    def _quoted(self, rows: Any) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self._delimiter, lineterminator="\n").writerows(rows)
        self._file.write(text.getvalue().encode())

    def close(self) -> None:
        """Do nothing: there is no end to write."""


def writer_of(form: Form, file: Digested, schema: pa.Schema, delimiter: str = ",", comma: bool = False) -> Writer:
    """Return what writes a file of this form."""
    if form == "csv":
        return CsvWriter(file, schema, delimiter, comma)
    return ParquetWriter(file, schema) if form == "parquet" else ArrowWriter(file, schema)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
