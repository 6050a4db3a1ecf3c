"""The core for many rows: columns of numbers in, answers out, without a Python object for a row.

The law: a row gets the answer of POST /predict, bit for bit, or the reason in its words, whatever way it came.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import compress, count
from typing import Any

import msgspec

from binding.columns import Column
from binding.library import Library, Scored
from score.answers import answer_columns
from score.columns import limits_of
from score.faults import Buffer, Diagnosis, Fault
from score.inputs import FAULTY, Inputs, Row, decode_fields, squashed
from score.judged import Judged, PValues

BLOCK_CELLS = 65_536  # of a block: its cells are Python objects for a while, if they came as text
BLOCK_ROWS = 1_024  # at most: what C does with them keeps the interpreter for less than a millisecond
_astuple = msgspec.structs.astuple


class Scorer:
    """Answers tables for one model. Made once for it. All methods are safe on any thread."""

    def __init__(self, library: Library, inputs: Inputs, judged: Judged, p_values: PValues | None = None) -> None:
        """`p_values` is what p-values are made from, if they are asked for."""
        self.contract = inputs.contract
        self.inputs = inputs
        self.columns = answer_columns(inputs.contract, judged, library.values, p_values)
        self.limits = limits_of(inputs.contract)
        self._library = library
        self._diagnosis = Diagnosis(inputs)
        self._known = frozenset(inputs.contract.input_names)
        self._alike = {squashed(name): name for name in inputs.contract.input_names}
        self._encoded = {name: msgspec.json.encode(name) for name in inputs.contract.input_names}
        # Decodes a row, whose unknown fields are ignored, to a struct, or raises one of FAULTY.
        self.decode: Callable[[bytes], Any] = inputs.decode
        if inputs.strict:
            narrow = msgspec.json.Decoder(inputs.struct(lenient=True)).decode
            self.decode = self._decode_known if inputs.wide else narrow

    def score(self, columns: Sequence[Column], rows: int) -> Scored:
        """Answer rows of inputs, one column for each, in order. Raises ValueError if a column is too short."""
        return self._library.predict_columns(columns, self.limits, rows)

    def block_rows(self, columns: int) -> int:
        """Return how many rows of a table with so many columns are a block."""
        return max(1, min(BLOCK_ROWS, BLOCK_CELLS // (columns + len(self.columns) + 1)))

    def reason(self, fields: Mapping[str, Buffer]) -> str:
        """Return what is wrong with a row that `score` found faulty, in the words of POST /predict.

        Each field is its value as JSON.
        """
        fault = self._diagnosis.of_fields(self._relevant(fields))
        assert isinstance(fault, Fault), f"POST /predict would answer {fields}"
        return fault.detail

    def object_row(self, body: bytes) -> Row | str:
        """Return the row in a JSON object, or the reason why there is none. Fields that are no inputs are ignored.

        But if a field looks like an input that may be missing, and the input is not there, that is a mistake.
        """
        try:
            row: Row = _astuple(self.decode(body))
            if not self.inputs.strict:
                return row
            fields = decode_fields(body)
            if self._relevant(fields).keys() <= self._known:
                return row
        except FAULTY:
            try:
                fields = decode_fields(body)
            except FAULTY:
                fault = self._diagnosis.of(body)
                assert isinstance(fault, Fault)
                return fault.detail
        found = self._diagnosis.of_fields(self._relevant(fields))
        return found.detail if isinstance(found, Fault) else found

    def _decode_known(self, body: bytes) -> Any:
        """Decode a row of a wide model whose fields may be any. Its inputs are put in order first."""
        fields = decode_fields(body)
        known = [(encoded, fields[name]) for name, encoded in self._encoded.items() if name in fields]
        return self.inputs.decode(b"{%b}" % b",".join([b"%b:%b" % (name, bytes(raw)) for name, raw in known]))

    def _relevant(self, fields: Mapping[str, Buffer]) -> Mapping[str, Buffer]:
        """Return the fields that are inputs, or look like one that is not there."""
        if not self.inputs.strict or fields.keys() <= self._known:
            return fields
        return {name: raw for name, raw in fields.items() if name in self._known or self._meant(name, fields)}

    def _meant(self, name: str, fields: Mapping[str, Buffer]) -> bool:
        meant = self._alike.get(squashed(name))
        return meant is not None and meant not in fields


def faulty_rows(scored: Scored) -> list[int]:
    """Return the numbers of the faulty rows."""
    return [*compress(count(), scored.faulty)] if b"\1" in scored.faulty else []
