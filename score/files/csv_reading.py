"""The rows of a CSV file as batches of text: every cell as it came, in any size of file."""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv as arrow_csv

from contract.schema import Contract
from score.files.job import Failed, Part
from score.files.reading import reading
from score.names import delimiter_of

BLOCK_BYTES = 4 << 20
HEADER_BYTES = 1 << 20  # a header is not longer
SAMPLED_BYTES = 1 << 20  # in which a decimal comma is looked for
BOM = b"\xef\xbb\xbf"
_HEADER = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)?")
_DECIMAL = re.compile(r"[ \t]*-?[0-9]+([.,])[0-9]+[ \t]*")


class CsvBatches:
    """A CSV file, whose columns are all text. `delimiter` and `comma` are its style, as POST /score finds it."""

    def __init__(self, file: IO[bytes], part: Part, contract: Contract, columns: dict[str, str]) -> None:
        """Read the header. `columns` are the columns of inputs with other names. Raises Failed."""
        self._path, self._file, self._size = part.source.path, file, max(1, part.source.size)
        start = file.read(HEADER_BYTES + SAMPLED_BYTES)
        line = _HEADER.match(start, len(BOM) if start.startswith(BOM) else 0)
        assert line is not None
        header = self._text(line[0])
        if not header.strip():
            raise Failed(f"{self._path}: expected a line with the names of the columns, found none")
        if len(line[0]) > HEADER_BYTES:
            raise Failed(f"{self._path}: expected a header of at most {HEADER_BYTES} bytes, found a longer line")
        self.delimiter = delimiter_of(header, contract)
        self._names: list[str] = next(csv.reader([header.rstrip("\r\n")], delimiter=self.delimiter, strict=False))
        self.schema = pa.schema([(name, pa.string()) for name in self._names])
        inputs = {columns.get(name, name) for name in contract.input_names}
        self.comma = self.delimiter != "," and self._has_comma(start[line.end() :], inputs)
        self._begin = line.end()
        self._wrong: deque[tuple[int, str]] = deque()  # number of the row, from 1 on, and its text
        self._row = 1  # the number of the next row

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise Failed(f"{self._path}: expected UTF-8; save the file as UTF-8 (Excel: CSV UTF-8)") from None

    def _has_comma(self, raw: bytes, inputs: set[str]) -> bool:
        """Return whether the first number with a fraction, in a column of an input, has a decimal comma."""
        lines = raw.decode("utf-8", "replace").splitlines()
        for row in csv.reader(lines, delimiter=self.delimiter):
            for name, cell in zip(self._names, row, strict=False):
                if name.strip() in inputs and (found := _DECIMAL.fullmatch(cell)):
                    return found[1] == ","
        return False

    def __iter__(self) -> Iterator[tuple[pa.RecordBatch, dict[int, str]]]:
        """Yield as Batches says."""
        self._file.seek(self._begin)
        if self._begin >= self._size:
            return
        with reading(self._path):
            for batch in self._reader():
                yield self._with_wrong_rows(batch, ended=False)
            if self._wrong:  # after the last row that could be read
                yield self._with_wrong_rows(pa.RecordBatch.from_pylist([], self.schema), ended=True)

    def _reader(self) -> Any:
        places = [f"{place}" for place in range(len(self._names))]  # names may be there twice
        return arrow_csv.open_csv(
            self._file,
            arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, column_names=places),
            arrow_csv.ParseOptions(
                delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=self._keep_wrong_row
            ),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(places, pa.string()), strings_can_be_null=False, null_values=[]
            ),
        )

    def _keep_wrong_row(self, row: Any) -> str:
        self._wrong.append((row.number, row.text))
        return "skip"

    def _with_wrong_rows(self, batch: pa.RecordBatch, *, ended: bool) -> tuple[pa.RecordBatch, dict[int, str]]:
        """Return a batch with the rows of another number of cells in their places, and what is wrong with them."""
        faults: dict[int, str] = {}
        pieces: list[pa.RecordBatch] = []
        taken, first = 0, self._row
        while self._wrong and (ended or self._wrong[0][0] < self._row + batch.num_rows - taken):
            number, text = self._wrong.popleft()
            before = number - self._row
            pieces.append(self._named(batch.slice(taken, before)))
            taken += before
            row, faults[number - first] = self._wrong_row(text)
            pieces.append(row)
            self._row = number + 1
        pieces.append(self._named(batch.slice(taken)))
        self._row += batch.num_rows - taken
        return (pa.concat_batches(pieces) if faults else pieces[0]), faults

    def _named(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(batch.columns, schema=self.schema)

    def _wrong_row(self, text: str) -> tuple[pa.RecordBatch, str]:
        cells: Sequence[str] = next(csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter), [])
        width = len(self._names)
        found = [[cell] for cell in ([*cells] + [""] * width)[:width]]
        row = pa.RecordBatch.from_arrays([pa.array(cell, pa.string()) for cell in found], schema=self.schema)
        return row, f"expected {width} cells, as many as the header has, found {len(cells)}"

    def share(self) -> float:
        """Return as Batches says."""
        return min(1.0, self._file.tell() / self._size)
