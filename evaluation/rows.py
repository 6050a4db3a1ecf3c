"""Held-out rows: a CSV file that is read by a contract, with the true answers in a column of it."""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import compress
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from contract.refusal import Refusal
from contract.schema import Contract, listed
from evaluation.cells import Meaning, Wrong, class_target, column_of, input_meaning, number_target
from evaluation.quantiles import quantile_levels

CHUNK = 1 << 15  # rows whose cells are in memory at once
SHOWN = 60  # characters of a cell in a message

Targets = npt.NDArray[np.int64] | npt.NDArray[np.float64]


@dataclass(frozen=True)
class HeldOutRows:
    """The rows of one file that have a true answer, in its order."""

    rows: npt.NDArray[np.float32]  # (rows, inputs), NaN for what is missing
    # int64 (rows,), indices into the classes; float64 (rows,), one number, also for quantiles of it; or float64
    # (rows, names), several numbers.
    targets: Targets
    target: str  # the column, or several with commas between them
    sha256: str  # of the file
    rows_read: int
    rows_dropped: int  # because a target is missing


@dataclass(frozen=True)
class _Chunk:
    """Some rows of the file. `cells` are those of one row each, and `lines` are where each row ends, from 1."""

    cells: list[list[str]]
    lines: list[int]

    def of(self, kept: npt.NDArray[np.bool_]) -> "_Chunk":
        """Return the rows that are `kept`, bool (rows,)."""
        return _Chunk(list(compress(self.cells, kept)), list(compress(self.lines, kept)))


def read_rows(path: Path, contract: Contract, target: str) -> HeldOutRows:
    """Read the CSV file at `path`, in UTF-8. Its header names every input and the target; other columns are ignored.

    `target` is the column with the true answers. Several numbers have several, with commas between their names, or one,
    if they are quantiles. Rows without a target are dropped. Raises Refusal, which names the file, the line and the
    column, if a cell is not what the contract says.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            table = _Table(path, contract, target, file)
            try:
                return table.read(digest)
            except csv.Error as error:
                raise Refusal(f"{path}, line {table.reader.line_num}: not CSV: {error}; correct the line") from error
    except OSError as error:
        raise Refusal(f"cannot read {path}: {error.strerror or error}; give the path of a CSV file") from error


class _Table:
    """One file while it is read."""

    def __init__(self, path: Path, contract: Contract, target: str, file: BinaryIO) -> None:
        self.path = path
        self.contract = contract
        self.output = contract.output
        self.target = target
        self.reader = csv.reader(TextIOWrapper(file, "utf-8-sig", errors="replace", newline=""), strict=True)

    def read(self, digest: str) -> HeldOutRows:
        """Return the rows of the file, whose SHA-256 is `digest`."""
        header = next(self.reader, [])
        targets = dict.fromkeys(
            self._target_columns(header), class_target(self.output) if self.output.classed else number_target()
        )
        inputs = {each.name: input_meaning(each) for each in self.contract.inputs}
        for column in (*inputs, *targets):
            self._check_column(column, header)
        rows, truth, read = [], [], 0
        for chunk in self._chunks(len(header)):
            found = self._columns(chunk, header, targets)
            known: npt.NDArray[np.bool_] = np.logical_not(np.isnan(found).any(axis=1))
            rows.append(self._columns(chunk.of(known), header, inputs).astype(np.float32))
            truth.append(found[known])
            read += len(known)
        return self._joined(np.concatenate(rows), np.concatenate(truth), digest, read)

    def _target_columns(self, header: list[str]) -> list[str]:
        """Return the columns with the true answers. Raises Refusal if they do not fit the output."""
        names = self.output.names
        columns = [self.target] if self.target in header else [part.strip() for part in self.target.split(",")]
        taken = [name for name in columns if name in self.contract.input_names]
        if taken:
            raise Refusal(f"expected a target that is no input of the model, found {taken[0]!r}; give another column")
        wanted = {len(names) or 1} | ({1} if quantile_levels(names) else set())
        if len(columns) not in wanted or len(set(columns)) < len(columns):
            several = f"a target column for each of {listed(names)}, with commas between them" if names else ""
            raise Refusal(
                f"expected {several or 'one target column'}, found {self.target!r}; give other columns"
                + ("; quantiles of one target are named by level in the contract, as q0.1" if names else "")
            )
        return columns

    def _check_column(self, name: str, header: list[str]) -> None:
        if header.count(name) != 1:
            found = f"{header.count(name)} of it" if name in header else listed(header)
            raise Refusal(
                f"{self.path}, line 1: expected one column {name!r}, found {found}; "
                "correct the header, whose names have commas between them"
            )

    def _chunks(self, width: int) -> Iterator[_Chunk]:
        """Yield the rows of the file. Empty lines are no rows. Raises Refusal for a row of another width."""
        chunk = _Chunk([], [])
        for cells in self.reader:
            if len(cells) == width:
                chunk.cells.append(cells)
                chunk.lines.append(self.reader.line_num)
            elif cells:
                raise Refusal(
                    f"{self.path}, line {self.reader.line_num}: expected {width} cells, as in the header, "
                    f"found {len(cells)}; correct the line"
                )
            if len(chunk.cells) == CHUNK:
                yield chunk
                chunk = _Chunk([], [])
        yield chunk

    def _columns(self, chunk: _Chunk, header: list[str], columns: dict[str, Meaning]) -> npt.NDArray[np.float64]:
        """Return the numbers of the columns: float64 (rows, columns). Raises Refusal for a cell that has none."""
        found = np.empty((len(chunk.cells), len(columns)))
        for place, (name, meaning) in enumerate(columns.items()):
            texts = list(map(itemgetter(header.index(name)), chunk.cells))
            try:
                found[:, place] = column_of(texts, meaning)
            except Wrong as wrong:
                raise Refusal(
                    f"{self.path}, line {chunk.lines[wrong.place]}, column {name!r}: expected {wrong.expected}, "
                    f"found {texts[wrong.place][:SHOWN]!r}; correct the line, or the contract"
                ) from wrong
        return found

    def _joined(
        self, rows: npt.NDArray[np.float32], truth: npt.NDArray[np.float64], digest: str, read: int
    ) -> HeldOutRows:
        if not len(rows):
            raise Refusal(f"{self.path}: expected rows with a value in {self.target!r}, found none in {read}; add some")
        several = self.output.kind == "numbers" and (truth.shape[1] > 1 or not quantile_levels(self.output.names))
        targets: Targets = truth if several else truth[:, 0]
        if self.output.classed:
            targets = targets.astype(np.int64)
        return HeldOutRows(rows, targets, self.target, digest, read, read - len(rows))
