"""Tables with answers, as bytes: CSV as it came, JSON lines, a JSON array. Numbers have the digits of POST /predict."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import StringIO
from typing import Any, Literal

import msgspec
import orjson

from app.table.block import Block, Style, Table
from app.table.csv_table import CsvTable
from app.table.forms import Form
from app.table.text import BOM
from binding.library import Scored
from score.answers import REASON, AnswerColumn, names_beside
from score.scorer import Scorer, faulty_rows

NULL = b"null"
_encode = msgspec.json.encode
Write = Callable[[Block, Scored, Mapping[int, str]], bytes]


def answer_pieces(table: Table, scorer: Scorer, form: Form) -> Iterator[bytes]:
    """Yield the answer in pieces: at first what comes before the rows, at last what comes after them.

    Raises Refused before the first piece, if at all.
    """
    own = [column.name for column in scorer.columns]
    names = names_beside([*own, REASON], table.taken([*own, REASON]))
    if form == "csv":
        yield _line([*table.names(), *names], table.style)
        write: Write = CsvWriter(scorer.columns, table.style).write
        yield from _written(table, scorer, write)
        return
    if isinstance(table, CsvTable):
        table.check_names()
    yield b"[" if form == "json" else b""
    write = JsonWriter(scorer.columns, names, b",\n" if form == "json" else b"\n").write
    if form == "ndjson":
        yield from (piece + b"\n" for piece in _written(table, scorer, write))
        return
    between = b""
    for piece in _written(table, scorer, write):
        yield between + piece
        between = b",\n"
    yield b"]\n"


def _written(table: Table, scorer: Scorer, write: Write) -> Iterator[bytes]:
    """Yield the rows of each block as bytes."""
    for block in table.blocks():
        scored = scorer.score(block.columns, block.rows)
        reasons = {row: block.reason(row) for row in faulty_rows(scored) if row not in block.faults}
        yield write(block, scored, reasons | block.faults)


def _line(cells: Sequence[str], style: Style) -> bytes:
    """Return the header of a CSV file."""
    return (BOM if style.bom else b"") + _quoted([cells], style).encode()


def _plain(rows: Iterable[Sequence[str]], count: int, width: int, style: Style) -> str | None:
    """Return `count` rows as CSV without quotes, or None if a cell needs them. csv takes three times as long."""
    text = style.line_end.join(map(style.delimiter.join, rows)) + style.line_end
    returns = count if "\r" in style.line_end else 0
    ends = count if "\n" in style.line_end else 0
    special = ((style.delimiter, count * (width - 1)), ('"', 0), ("\n", ends), ("\r", returns))
    plain = not style.quote_all and all(text.count(character) == wanted for character, wanted in special)
    return text if plain else None


def _quoted(rows: Iterable[Sequence[str]], style: Style) -> str:
    """Return rows as CSV, with quotes where they are needed."""
    text = StringIO(newline="")
    quote_all: Literal[0, 1] = csv.QUOTE_ALL if style.quote_all else csv.QUOTE_MINIMAL
    csv.writer(text, delimiter=style.delimiter, lineterminator=style.line_end, quoting=quote_all).writerows(rows)
    return text.getvalue()


class CsvWriter:
    """Writes blocks as CSV."""

    def __init__(self, columns: Sequence[AnswerColumn], style: Style) -> None:
        self._style = style
        self._columns = columns

    def write(self, block: Block, scored: Scored, reasons: Mapping[int, str]) -> bytes:
        """Return the lines of a block. `reasons` are of the rows that are not judged."""
        answers = [self._texts(column, scored) for column in self._columns]
        told = [""] * block.rows
        for row, reason in reasons.items():
            told[row] = reason
            for answer in answers:
                answer[row] = ""
        columns = [*block.cells(), *answers, told]
        rows = [*zip(*columns, strict=True)]
        return (_plain(rows, block.rows, len(columns), self._style) or _quoted(rows, self._style)).encode()

    def _texts(self, column: AnswerColumn, scored: Scored) -> list[str]:
        values = column.read(scored)
        if column.kind == "text":
            return list(values)
        if column.kind == "boolean":
            return ["true" if value else "false" for value in values]
        text = orjson.dumps(values).decode()[1:-1].replace("null", "")
        if self._style.comma:
            return text.replace(",", ";").replace(".", ",").split(";")
        return text.split(",")


class JsonWriter:
    """Writes blocks as JSON objects. `names` are those of the columns and of the reason."""

    def __init__(self, columns: Sequence[AnswerColumn], names: Sequence[str], between: bytes) -> None:
        self._between = between
        self._columns = columns
        self._known: dict[str, bytes] = {}  # texts of answers as JSON; there are few
        fields = [_encode(name).replace(b"%", b"%%") + b":%b" for name in names]
        self._template = b"%b" + b",".join(fields) + b"}"

    def write(self, block: Block, scored: Scored, reasons: Mapping[int, str]) -> bytes:
        """Return the rows of a block. `reasons` are of the rows that are not judged."""
        answers = [self._texts(column, scored) for column in self._columns]
        told = [NULL] * block.rows
        for row, reason in reasons.items():
            told[row] = _encode(reason)
            for answer in answers:
                answer[row] = NULL
        rows = zip(block.objects(), *answers, told, strict=True)
        return self._between.join([self._template % row for row in rows])

    def _texts(self, column: AnswerColumn, scored: Scored) -> list[bytes]:
        values: Sequence[Any] = column.read(scored)
        if column.kind == "text":
            texts = {value: _encode(value) for value in set(values)}
            return [texts[value] for value in values]
        return orjson.dumps(values)[1:-1].split(b",")
