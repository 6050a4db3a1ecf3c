"""Tables with answers, as bytes: CSV as it came, JSON lines, a JSON array. Numbers have the digits of POST /predict."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
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
        yield (BOM if table.style.bom else b"") + _in_csv([[*table.names(), *names]], table.style)
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


def _in_csv(rows: Sequence[Sequence[str]], style: Style) -> bytes:
    """Return rows of the same width as CSV. Quotes are set where they are needed, which takes three times as long."""
    end = style.line_end
    text = end.join(map(style.delimiter.join, rows)) + end
    ends = {character: len(rows) if character in end else 0 for character in "\r\n"}
    special = {style.delimiter: len(rows) * (len(rows[0]) - 1), '"': 0, **ends}
    if any(text.count(character) != wanted for character, wanted in special.items()):
        # csv sets no quotes around the other line end
        quote_all: Literal[0, 1] = csv.QUOTE_ALL if any(not ends[each] and each in text for each in ends) else 0
        quoted = StringIO(newline="")
        csv.writer(quoted, delimiter=style.delimiter, lineterminator=end, quoting=quote_all).writerows(rows)
        text = quoted.getvalue()
    return text.encode()


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
        return _in_csv([*zip(*block.cells(), *answers, told, strict=True)], self._style)

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
