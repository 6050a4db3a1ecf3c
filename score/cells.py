"""How a cell of text becomes a value of an input. docs/table.md has the table; files and services read cells by it.

A cell stands for a JSON value, and is judged as POST /predict judges that value. So there is one law for all ways in.
"""

import re
from array import array
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from binding.columns import Column
from contract.schema import Input
from score.columns import REFUSED, column_of
from score.inputs import FAULTY

MISSING = ("", "NA")
BLANKS = " \t\r\n"  # around a cell; JSON allows the same ones around a number
WORDS = {**dict.fromkeys(("true", "TRUE", "True", "1"), True), **dict.fromkeys(("false", "FALSE", "False", "0"), False)}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_decode_numbers = msgspec.json.Decoder(list[float]).decode
_encode = msgspec.json.encode


class Cells:
    """Reads the cells of one input. Made once for a file. If `comma`, a number may have a decimal comma."""

    def __init__(self, each: Input, kind: Any, comma: bool) -> None:
        """`kind` is the type of the input's values, as `Inputs.kinds` has it."""
        self._input = each
        self._comma = comma
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(kind).decode
        self._categories = {str(name): name for name in each.categories}
        self._numeric = each.kind in ("number", "integer")

    def column(self, cells: Sequence[str]) -> Column:
        """Return the numbers of these cells. One that no value of the input's kind is REFUSED."""
        if self._numeric:
            missing: list[int] = []
            try:
                return Column(self._numbers(cells))
            except FAULTY:
                missing = [i for i, cell in enumerate(cells) if cell in MISSING]
            known = list(cells)
            for i in missing:
                known[i] = "0"
            try:
                return column_of(self._numbers(known), missing)
            except FAULTY:
                pass
        return self._singly(cells)

    def _numbers(self, cells: Sequence[str]) -> "array[float]":
        """Return the numbers of cells that are all numbers. Raises one of FAULTY if one is not."""
        text = ("\n" if self._comma else ",").join(cells)
        if self._comma:
            text = text.replace(",", ".").replace("\n", ",")
        numbers = _decode_numbers(f"[{text}]".encode())
        if len(numbers) != len(cells):
            raise msgspec.DecodeError("a cell has several numbers")
        return array("d", numbers)

    def _singly(self, cells: Sequence[str]) -> Column:
        """Return the numbers of any cells. A cell that occurs often is read once."""
        values = {cell: self._value(cell) for cell in set(cells)}
        numbers = [values[cell] for cell in cells]
        missing = [i for i, number in enumerate(numbers) if number is None]
        return column_of([0.0 if number is None else number for number in numbers], missing)

    def _value(self, cell: str) -> float | None:
        raw = self.json(cell)
        if raw == b"null":
            return None
        try:
            return float(self._decode(raw))
        except FAULTY:
            return REFUSED

    def json(self, cell: str) -> bytes:
        """Return the JSON value that a cell stands for."""
        if cell in self._categories:
            return _encode(self._categories[cell])
        text = cell.strip(BLANKS)
        if text in self._categories:
            return _encode(self._categories[text])
        if text in MISSING:
            return b"null"
        if self._input.kind == "boolean" and text in WORDS:
            return _encode(WORDS[text])
        number = text.replace(",", ".") if self._comma else text
        textual = self._input.kind == "category" and isinstance(self._input.categories[0], str)
        return _encode(text) if textual or not _NUMBER.fullmatch(number) else number.encode()
