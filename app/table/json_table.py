"""A table in JSON: a line for each row, or an array of rows."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from app.table.block import Block, Style
from app.table.header import MAX_COLUMNS
from app.table.text import (
    BLANKS,
    BOM,
    MAX_ROW_BYTES,
    Body,
    Refused,
    contains,
    count_lines,
    line_of,
    part,
    pieces,
    trimmed,
)
from binding.columns import Column
from score.columns import REFUSED, column_of
from score.faults import what_is_wrong
from score.inputs import FAULTY, decode_fields
from score.scorer import Scorer

SLICE_BYTES = 131_072  # of an array that are decoded at once, in about half a millisecond
_CUT = re.compile(rb"\}[ \t\r\n]*,")
_BYTE = re.compile(r"\(byte (\d+)\)")
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode
_astuple = msgspec.structs.astuple
_EXPECTED = "expected an array of objects, one for each row"


class JsonTable:
    """JSON lines, or an array whose elements are well-formed."""

    def __init__(self, body: Body, scorer: Scorer, max_rows: int, *, lines: bool) -> None:
        """Look over a body, which is UTF-8. Raises Refused."""
        self.style = Style()
        self._body = body
        self._scorer = scorer
        self._most = scorer.block_rows(len(scorer.contract.inputs))
        self._slices: list[tuple[int, int]] | None = None
        self._names: list[str] = []
        self._row_bytes = max(MAX_ROW_BYTES, scorer.inputs.body_bytes)
        self._too_long = f"the row has more than {self._row_bytes} bytes; its fields are left out"
        if body.startswith(BOM) and not lines:
            raise Refused("line 1: the body starts with a byte order mark, which JSON does not allow")
        count = count_lines(body) if lines else self._look_over()
        if count > max_rows + lines:
            raise Refused(f"expected at most {max_rows} rows, found {count}; send several requests", 413)

    def _look_over(self) -> int:
        """Find where to cut the array. Return how many elements it has. Raises Refused if it is malformed."""
        body = self._body
        begin, end = trimmed(body)
        last = end - 1
        if not body.startswith(b"[", begin) or not body.endswith(b"]", begin + 1, end):
            raise Refused(f"line {line_of(body, max(last, 0))}: {_EXPECTED}")
        self._slices, count = [], 0
        start, size = begin + 1, SLICE_BYTES
        while True:
            cut = _CUT.search(body, start + size, last)
            end = cut.start() + 1 if cut else last
            try:
                elements = len(_decode_list(b"[%b]" % part(body, start, end)))
            except FAULTY as error:
                if cut is None:
                    raise Refused(_malformed(body, start, end, error)) from None
                if size > self._row_bytes:
                    raise Refused(
                        f"line {line_of(body, start)}: found a row of more than {self._row_bytes} bytes: {_EXPECTED}"
                    ) from None
                size *= 2  # the cut may be within an element
                continue
            if not elements and self._slices:
                raise Refused(f"line {line_of(body, last)}: found nothing after the last comma: {_EXPECTED}")
            self._slices.append((start, end))
            count += elements
            if cut is None:
                return count
            start, size = cut.end(), SLICE_BYTES

    def names(self) -> Sequence[str]:
        """Return the names of all fields of all rows, in the order in which they first come. Raises Refused."""
        found: dict[str, None] = {}
        for raws in self._rows():
            for raw in raws:
                found.update(dict.fromkeys(self._fields(raw)))
            if len(found) > MAX_COLUMNS:
                raise Refused(f"expected at most {MAX_COLUMNS} different fields, found more")
        self._names = [*found]
        return self._names

    def taken(self, wanted: Sequence[str]) -> set[str]:
        """Return those of the wanted names that are fields of a row. Raises Refused."""
        quoted = [b'"%b"' % name.encode() for name in wanted]
        if not contains(self._body, b"\\") and not any(contains(self._body, name) for name in quoted):
            return set()  # which is usual, and quickly seen
        return set(wanted).intersection(self.names())

    def _rows(self) -> Iterator[list[bytes]]:
        """Yield the JSON of some rows at a time."""
        for raws in self._lines() if self._slices is None else self._elements(self._slices):
            for start in range(0, len(raws), self._most):
                yield raws[start : start + self._most]

    def _lines(self) -> Iterator[list[bytes]]:
        start = len(BOM) if self._body.startswith(BOM) else 0
        for piece in pieces(self._body, start, returns=False):
            yield [stripped for line in piece.split(b"\n") if (stripped := line.strip(b" \t\r"))]

    def _elements(self, slices: list[tuple[int, int]]) -> Iterator[list[bytes]]:
        for start, end in slices:
            yield [bytes(raw) for raw in _decode_list(b"[%b]" % part(self._body, start, end))]

    def blocks(self) -> Iterator[Block]:
        """Yield all rows."""
        for raws in self._rows():
            yield self._block(raws)

    def _block(self, raws: list[bytes]) -> Block:
        faults: dict[int, str] = {}
        rows = self._decoded(raws, faults)
        columns = [_column(values) for values in zip(*rows, strict=True)]

        def reason(row: int) -> str:
            raise AssertionError(f"POST /predict would answer {raws[row]!r}")

        def objects() -> Sequence[bytes]:
            return [_open(raw) if self._fields(raw) else b"{" for raw in raws] if faults else [*map(_open, raws)]

        return Block(len(raws), columns, faults, reason, lambda: self._cells(raws), objects)

    def _decoded(self, raws: list[bytes], faults: dict[int, str]) -> list[Any]:
        """Return the values of each row, and note those rows that are faulty."""
        decode = self._scorer.decode
        try:
            if not self._scorer.inputs.strict and max(map(len, raws)) <= self._row_bytes:
                return [_astuple(decode(raw)) for raw in raws]
        except FAULTY:
            pass
        refused = (REFUSED,) * len(self._scorer.contract.inputs)
        rows = []
        for i, raw in enumerate(raws):
            row = self._too_long if len(raw) > self._row_bytes else self._scorer.object_row(raw)
            if isinstance(row, str):
                faults[i], row = row, refused
            rows.append(row)
        return rows

    def _fields(self, raw: bytes) -> dict[str, msgspec.Raw]:
        """Return the fields of a row, none if it is not an object or is too long."""
        try:
            return decode_fields(raw) if len(raw) <= self._row_bytes else {}
        except FAULTY:
            return {}

    def _cells(self, raws: list[bytes]) -> Sequence[Sequence[str]]:
        rows = [self._fields(raw) for raw in raws]
        return [[_cell(row[name]) if name in row else "" for row in rows] for name in self._names]


def _column(values: Sequence[Any]) -> Column:
    missing = [i for i, value in enumerate(values) if value is None] if None in values else []
    return column_of([0.0 if value is None else value for value in values] if missing else values, missing)


def _cell(raw: msgspec.Raw) -> str:
    """Return the text of a JSON value in CSV: that of a string, nothing for null, and else the JSON."""
    value = bytes(raw)
    if value == b"null":
        return ""
    return _decode_text(value) if value.startswith(b'"') else value.decode()


def _open(raw: bytes) -> bytes:
    """Return an object as far as its last field, with a comma if it has fields."""
    begun = raw[:-1].rstrip(BLANKS)
    return begun if begun == b"{" else begun + b","


def _malformed(body: Body, start: int, end: int, error: Exception) -> str:
    """Return what is wrong in this part of the body, and in which line."""
    found = _BYTE.search(str(error))
    place = start + int(found[1]) - 1 if found else end
    deep = isinstance(error, RecursionError)
    what = "nested too deeply" if deep else _BYTE.sub("", what_is_wrong(error, part(body, start, end))).rstrip()
    return f"line {line_of(body, place)}: {what}: {_EXPECTED}"
