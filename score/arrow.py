"""Many rows as Arrow: the batches of files, of Spark and of data frames. The thin side of score/scorer.py.

The law: a table that is asked of `score`, POST /score and POST /predict gets the same answers, bit for bit, and the
same words.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from binding.columns import Column
from contract.refusal import Refusal
from contract.schema import listed
from score.answers import REASON, names_beside
from score.arrow_answers import answer_array, answer_type, given_rows, reason_array
from score.arrow_inputs import InputColumn
from score.bundle import Bundle
from score.columns import column_of
from score.inputs import Inputs
from score.judged import Judged, p_values_asked
from score.names import find_inputs
from score.scorer import BLOCK_CELLS, Scorer, faulty_rows

MAX_KNOWN_REASONS = 1024  # rows are often faulty in the same way


def score(
    batch: pa.RecordBatch,
    bundle: Bundle,
    keep: Sequence[str] | None = None,
    renamed: Mapping[str, str] | None = None,
    *,
    p_values: bool = False,
) -> pa.RecordBatch:
    """Return the columns of a batch, then what POST /predict would say of each row, or the reason why it says nothing.

    Only the columns in `keep` come back, or all if it is None. `renamed` maps inputs to the names of their columns.
    If `p_values`, there is a p-value for each class. Raises Refusal if a column is missing or of a wrong type. For many
    batches of one schema, make one ArrowScorer.
    """
    return ArrowScorer(bundle, batch.schema, keep, renamed, p_values=p_values).score(batch)


class ArrowScorer:
    """Answers batches of one schema for one bundle. `schema` is that of the answers. Safe on any thread."""

    def __init__(
        self,
        bundle: Bundle,
        schema: pa.Schema,
        keep: Sequence[str] | None = None,
        renamed: Mapping[str, str] | None = None,
        *,
        comma: bool = False,
        dictionaries: bool = False,
        p_values: bool = False,
    ) -> None:
        """Raise Refusal if a column is missing or of a wrong type. If `comma`, text may have decimal commas.

        If `dictionaries`, the answers' texts are dictionaries, which Parquet writes faster. If `p_values`, the answers
        have a p-value for each class; Refusal is raised if the bundle has nothing to make them from.
        """
        self._dictionaries = dictionaries
        asked = p_values_asked(bundle.contract, bundle.uncertainty) if p_values else None
        self._scorer = Scorer(bundle.library, Inputs(bundle.contract), Judged.by(bundle.uncertainty), asked)
        self._given = schema
        names = renamed_columns(schema.names, bundle.contract.input_names, renamed or {})
        found = find_inputs(names, bundle.contract)
        if found.problem:
            raise Refusal(found.problem)
        self._inputs = [*self._input_columns(found.places, comma)]
        self._kept = kept_places(schema.names, keep)
        kept = [schema.field(place) for place in self._kept]
        own = self._scorer.columns
        answers = names_beside([*(column.name for column in own), REASON], {field.name for field in kept})
        types = [*(answer_type(column, dictionaries=dictionaries) for column in own), pa.string()]
        self.schema = pa.schema([*kept, *map(pa.field, answers, types)], schema.metadata)
        self.reason = answers[-1]
        self._known: dict[tuple[bytes, ...], str] = {}

    def _input_columns(self, places: Sequence[int | None], comma: bool) -> Iterator[tuple[InputColumn, int] | None]:
        inputs = self._scorer.inputs
        problems = []
        for each, kind, place in zip(inputs.contract.inputs, inputs.kinds, places, strict=True):
            if place is None:
                yield None
                continue
            field = self._given.field(place)
            try:
                yield InputColumn(each, kind, field.type, comma), place
            except TypeError as error:
                problems.append(f"column {field.name}: {error}")
        if problems:
            raise Refusal("; ".join(problems[:12]))

    def score(self, batch: pa.RecordBatch, faults: Mapping[int, str] | None = None) -> pa.RecordBatch:
        """Return the answers to a batch. `faults` are rows that could not be read, with the reason.

        Raises Refusal if the batch has another schema.
        """
        if not batch.schema.equals(self._given):
            raise Refusal(f"expected the schema {_shown(self._given)}; found {_shown(batch.schema)}")
        rows = batch.num_rows
        kept = [batch.column(place) for place in self._kept]
        if not rows:
            return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in self.schema], schema=self.schema)
        absent = column_of([0.0] * rows, range(rows)) if None in self._inputs else None
        columns = [self._column(batch, each) or absent for each in self._inputs]
        scored = self._scorer.score([column for column in columns if column is not None], rows)
        for row in faults or ():
            scored.faulty[row] = 1
        given = given_rows(scored, rows)
        reasons = {} if given is None else self._reasons(batch, faulty_rows(scored), faults or {})
        answers = [
            answer_array(column, scored, rows, given, dictionaries=self._dictionaries)
            for column in self._scorer.columns
        ]
        arrays = [*kept, *answers, reason_array(reasons, given, rows)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    @staticmethod
    def _column(batch: pa.RecordBatch, each: tuple[InputColumn, int] | None) -> Column | None:
        return each[0].column(batch.column(each[1])) if each else None

    def _reasons(self, batch: pa.RecordBatch, faulty: Sequence[int], faults: Mapping[int, str]) -> dict[int, str]:
        """Return the reason of each faulty row, some rows at a time. `faults` has those that are known."""
        names = self._scorer.contract.input_names
        there = [(name, each) for name, each in zip(names, self._inputs, strict=True) if each]
        step = max(1, BLOCK_CELLS // len(there))
        reasons: dict[int, str] = {}
        for start in range(0, len(faulty), step):
            rows = faulty[start : start + step]
            places = pa.array(rows, pa.int64())
            cells = [each.json(batch.column(place), places) for _, (each, place) in there]
            for row, raw in zip(rows, zip(*cells, strict=True), strict=True):
                reasons[row] = faults.get(row) or self._reason([name for name, _ in there], raw)
        return reasons

    def _reason(self, names: Sequence[str], raw: tuple[bytes, ...]) -> str:
        reason = self._known.get(raw)
        if reason is None:
            reason = self._scorer.reason(dict(zip(names, raw, strict=True)))
            if len(self._known) < MAX_KNOWN_REASONS:
                self._known[raw] = reason
        return reason


def renamed_columns(names: Sequence[str], inputs: Sequence[str], renamed: Mapping[str, str]) -> list[str]:
    """Return the columns' names as the inputs that they are. A column that another one replaces is no input any more.

    Raises Refusal if there is no such input or no such column.
    """
    for given, column in renamed.items():
        if given not in inputs:
            raise Refusal(f"--columns {given}={column}: expected an input, one of {listed(inputs)}; found {given}")
        if column not in names:
            raise Refusal(f"--columns {given}={column}: expected a column, one of {listed(names)}; found none")
    of_column: dict[str, Any] = {column: given for given, column in renamed.items()}
    return [of_column.get(name, "" if name in renamed else name) for name in names]


def kept_places(names: Sequence[str], keep: Sequence[str] | None) -> list[int]:
    """Return the places of the columns that come back, all of them for None. Raises Refusal if there is no such one."""
    if keep is None:
        return [*range(len(names))]
    unknown = [name for name in keep if names.count(name) != 1]
    if unknown:
        raise Refusal(f"--keep: expected columns, each there once, among {listed(names)}; found {listed(unknown)}")
    return [names.index(name) for name in keep]


def _shown(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)[:500]
