"""JSON lines: each row comes back as its own object, with the answers as further fields. As POST /score does it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, Any

import msgspec
import orjson

from score.answers import REASON, AnswerColumn, names_beside
from score.bundle import Bundle
from score.columns import column_of
from score.faults import Buffer
from score.files.job import Failed, Options, Part
from score.inputs import FAULTY, Inputs, Row, decode_fields
from score.judged import Judged, p_values_asked
from score.scorer import BLOCK_ROWS, Scorer

MAX_LINE_BYTES = 1 << 24
BOM = b"\xef\xbb\xbf"
_encode = msgspec.json.encode
Answered = tuple[bytes, bool]  # a line, and whether its row was judged


class Lines:
    """Answers the lines of one file."""

    def __init__(self, file: IO[bytes], part: Part, bundle: Bundle, options: Options) -> None:
        self._file, self._path, self._size = file, part.source.path, max(1, part.source.size)
        self._options = options
        asked = p_values_asked(bundle.contract, bundle.uncertainty) if options.p_values else None
        self._scorer = Scorer(bundle.library, Inputs(bundle.contract), Judged.by(bundle.uncertainty), asked)
        self._columns = self._scorer.columns
        self._renamed = {column: name for name, column in options.columns.items()}
        unknown = set(options.columns) - set(bundle.contract.input_names)
        if unknown:
            raise Failed(f"--columns: expected names of inputs, found {sorted(unknown)[0]}")

    def __iter__(self) -> Iterator[list[Answered]]:
        """Yield some answered lines at a time. Raises Failed if a line is too long, or no UTF-8."""
        while lines := [*islice(self._lines(), BLOCK_ROWS)]:
            yield self._answer(lines)

    def _lines(self) -> Iterator[bytes]:
        """Yield lines that are not blank."""
        while line := self._file.readline(MAX_LINE_BYTES + 1):
            if len(line) > MAX_LINE_BYTES:
                raise Failed(f"{self._path}: expected lines of at most {MAX_LINE_BYTES} bytes, found a longer one")
            if stripped := line.removeprefix(BOM).strip():
                yield stripped

    def share(self) -> float:
        """Return how much of the file is read, from 0 to 1."""
        return min(1.0, self._file.tell() / self._size)

    def _answer(self, lines: Sequence[bytes]) -> list[Answered]:
        rows = [self._scorer.object_row(self._as_inputs(line)) for line in lines]
        reasons = {i: row for i, row in enumerate(rows) if isinstance(row, str)}
        width = len(self._scorer.contract.inputs)
        numbers = [_numbers(row, width) if not isinstance(row, str) else [None] * width for row in rows]
        columns = []
        for values in zip(*numbers, strict=True):
            missing = [i for i, value in enumerate(values) if value is None]
            columns.append(column_of([0.0 if value is None else value for value in values], missing))
        scored = self._scorer.score(columns, len(lines))
        answers = [self._texts(column, scored) for column in self._columns]
        return [
            (self._line(line, [each[i] for each in answers], reasons.get(i)), i not in reasons)
            for i, line in enumerate(lines)
        ]

    def _as_inputs(self, line: bytes) -> bytes:
        """Return a row whose inputs have their own names."""
        if not self._renamed:
            return line
        try:
            fields = decode_fields(line)
        except FAULTY:
            return line
        named = {
            self._renamed.get(name, name): raw for name, raw in fields.items() if name not in self._options.columns
        }
        return _object(named)

    @staticmethod
    def _texts(column: AnswerColumn, scored: Any) -> list[bytes]:
        values: Sequence[Any] = column.read(scored)
        return [*map(_encode, values)] if column.kind == "text" else orjson.dumps(values)[1:-1].split(b",")

    def _line(self, line: bytes, answers: Sequence[bytes], reason: str | None) -> bytes:
        try:
            fields: Mapping[str, Buffer] = decode_fields(line)
        except FAULTY:  # it is no object: it comes back as text
            fields = {"line": _encode(line.decode("utf-8", "replace"))}
        else:
            if self._options.keep is not None:
                fields = {name: fields[name] for name in self._options.keep if name in fields}
        names = names_beside([*(column.name for column in self._columns), REASON], fields)
        values = [b"null"] * len(answers) if reason is not None else answers
        return _object({**fields, **dict(zip(names, [*values, _encode(reason)], strict=True))})


def _numbers(row: Row, width: int) -> list[float | None]:
    return [None if value is None else float(value) for value in row[:width]]


def _object(fields: Mapping[str, Buffer]) -> bytes:
    return b"{" + b",".join([_encode(name) + b":" + bytes(raw) for name, raw in fields.items()]) + b"}"
