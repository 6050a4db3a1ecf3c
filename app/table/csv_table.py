"""A table in CSV, as programs and spreadsheets write it: comma, semicolon or tab, quotes, a byte order mark, CRLF."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from app.table.block import Block, Style
from app.table.header import places_of
from app.table.records import Records
from app.table.text import BOM, MAX_ROW_BYTES, Body, Refused, count_lines
from binding.columns import Column
from score.cells import Cells
from score.columns import column_of
from score.names import delimiter_of
from score.scorer import Scorer

_HEADER = re.compile(rb"[^\r\n]*(\r\n|\r|\n)?")
_DECIMAL = re.compile(r"[ \t]*-?[0-9]+([.,])[0-9]+[ \t]*")
_encode = msgspec.json.encode


class CsvTable:
    """A CSV file whose header is right. `style` is how it is written."""

    def __init__(self, body: Body, scorer: Scorer, max_rows: int) -> None:
        """Read the header of a body, which is UTF-8. Raises Refused."""
        start = len(BOM) if body.startswith(BOM) else 0
        line = _HEADER.match(body, start)
        assert line is not None
        lines = count_lines(body)
        if lines > max_rows + 1:
            raise Refused(f"expected at most {max_rows} rows, found {lines} lines; send several requests", 413)
        contract = scorer.contract
        delimiter = delimiter_of(line[0].decode(), contract)
        self._records = Records(body, start, delimiter, max(MAX_ROW_BYTES, scorer.inputs.body_bytes))
        header, faults = self._records.block(1)
        if not header:
            raise Refused("the body is empty: send a line with the names of the columns, then a line for each row")
        if faults:
            raise Refused(f"line 1: {faults[0]}")
        self._names = header[0]
        self._places = places_of(self._names, contract)
        self._scorer = scorer
        self._most = scorer.block_rows(len(self._names))
        self._first = self._records.block(self._most)
        line_end = (line[1] or b"\n").decode()
        comma = delimiter != "," and self._has_comma(self._first[0])
        self.style = Style(delimiter, line_end, comma, start > 0)
        pairs = zip(contract.inputs, scorer.inputs.kinds, strict=True)
        self._cells = [Cells(each, kind, delimiter != ",") for each, kind in pairs]

    def _has_comma(self, rows: list[list[str]]) -> bool:
        """Return whether the first number with a fraction, in a column of an input, has a decimal comma."""
        for row in rows:
            for place in self._places:
                if place is not None and place < len(row) and (found := _DECIMAL.fullmatch(row[place])):
                    return found[1] == ","
        return False

    def names(self) -> Sequence[str]:
        """Return the names of the columns, as they came."""
        return self._names

    def taken(self, wanted: Sequence[str]) -> set[str]:
        """Return those of the wanted names that are columns of the table."""
        return set(wanted).intersection(self._names)

    def check_names(self) -> None:
        """Raise Refused unless each name is there once, as in a JSON object."""
        twice = [name for name, count in Counter(self._names).items() if count > 1]
        if twice:
            raise Refused(f"line 1: the column {twice[0]!r:.60} is there twice, which JSON does not allow; ask for CSV")

    def blocks(self) -> Iterator[Block]:
        """Yield all rows."""
        rows, faults = self._first
        self._first = ([], {})
        while rows:
            yield self._block(rows, faults)
            rows, faults = self._records.block(self._most)

    def _block(self, rows: list[list[str]], faults: dict[int, str]) -> Block:
        width = len(self._names)
        if set(map(len, rows)) != {width}:
            for i, row in enumerate(rows):
                if len(row) != width:
                    faults.setdefault(i, f"expected {width} cells, as many as the header has, found {len(row)}")
                    rows[i] = (row + [""] * width)[:width]
        cells = [*zip(*rows, strict=True)]
        columns = [
            self._column(each, place, cells, len(rows)) for each, place in zip(self._cells, self._places, strict=True)
        ]

        def reason(row: int) -> str:
            pairs = zip(self._scorer.contract.input_names, self._cells, self._places, strict=True)
            return self._scorer.reason({name: each.json(rows[row][at]) for name, each, at in pairs if at is not None})

        return Block(len(rows), columns, faults, reason, lambda: cells, lambda: self._objects(cells))

    @staticmethod
    def _column(cells: Cells, place: int | None, table: Sequence[Sequence[str]], rows: int) -> Column:
        if place is None:
            return column_of([0.0] * rows, range(rows))
        return cells.column(table[place])

    def _objects(self, cells: Sequence[Sequence[str]]) -> Sequence[bytes]:
        """Return rows as JSON objects, without an end: inputs are the values that they stand for, others are text."""
        readers = {place: each for each, place in zip(self._cells, self._places, strict=True) if place is not None}
        columns = [
            [*map(readers[place].json if place in readers else _encode, column)] for place, column in enumerate(cells)
        ]
        names = [_encode(name).replace(b"%", b"%%") for name in self._names]
        template = b"{" + b",".join([name + b":%b" for name in names]) + b","
        return [template % row for row in zip(*columns, strict=True)]
