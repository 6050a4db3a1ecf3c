"""The training data. To train on your own data, replace this file and the contract (train/contract.py)."""

import csv
from dataclasses import dataclass, field
from hashlib import sha256
from io import StringIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from contract.refusal import Refusal
from contract.schema import Input
from train.contract import CLASSES, CONTRACT

DATA = Path("train/data/penguins.csv")
SHA256 = "f204db2c753b0937caac3cb35258562c14f073e4bbc76be24b4c51ce22767a93"  # the digest of DATA's bytes
MISSING = frozenset({"", "NA"})
# Columns that the model does not see. The report says how good it is for each of their values.
GROUPS = ("island", "sex", "year")
NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Penguins:
    """The birds with all measurements, in the order of the file."""

    measurements: npt.NDArray[np.float32]  # (rows, inputs), in the units of the contract
    labels: npt.NDArray[np.int64]  # (rows,), indices into CLASSES
    rows_read: int
    rows_dropped: int  # because a measurement is missing
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by column of GROUPS that the file has: (rows,)


def load(path: Path = DATA) -> Penguins:
    """Read the birds in `path`.

    Raises Refusal if the file cannot be read, if its digest is not SHA256, or if `parse` refuses its content.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Refusal(f"cannot read {path}: {error.strerror}; restore the data with `git checkout {DATA}`") from error
    if (found := sha256(data).hexdigest()) != SHA256:
        raise Refusal(
            f"{path}: expected sha256 {SHA256}, found {found}; restore the data with `git checkout {DATA}`, "
            f"or, if it changed on purpose, edit SHA256 in train/penguins.py"
        )
    return parse(data)


def parse(data: bytes) -> Penguins:
    """Parse CSV text in UTF-8. The header names the label and every input, and perhaps columns of GROUPS.

    Other columns are ignored.

    Raises Refusal, naming the column that the header lacks, or the line with a value that is no species or no number
    within the measurement's bounds.
    """
    reader = csv.DictReader(StringIO(data.decode("utf-8-sig", errors="replace"), newline=""), restval="")
    for column in (CONTRACT.output.label, *CONTRACT.input_names):
        if column not in (reader.fieldnames or ()):
            raise Refusal(f"line 1: expected a column {column!r}, found {reader.fieldnames}; correct the header")
    birds = [_bird(reader.line_num, row) for row in reader]
    complete = [bird for bird in birds if bird is not None]
    columns = [column for column in GROUPS if column in (reader.fieldnames or ())]
    return Penguins(
        measurements=np.array([values for values, *_ in complete], np.float32).reshape(-1, len(CONTRACT.inputs)),
        labels=np.array([label for _, label, _ in complete], np.int64),
        rows_read=len(birds),
        rows_dropped=len(birds) - len(complete),
        groups={column: tuple(_group(row[column]) for *_, row in complete) for column in columns},
    )


def _group(text: str) -> str:
    return NOT_RECORDED if text in MISSING else text


def _bird(line: int, row: dict[str, str]) -> tuple[list[float], int, dict[str, str]] | None:
    """Return the measurements, the label and all cells of one row, or None if a measurement is missing."""
    label = _label(line, row[CONTRACT.output.label])
    if any(row[name] in MISSING for name in CONTRACT.input_names):
        return None
    return [_number(line, each, row[each.name]) for each in CONTRACT.inputs], label, row


def _label(line: int, text: str) -> int:
    for label, name in enumerate(CLASSES):
        if text == name:
            return label
    raise Refusal(
        f"line {line}: expected a {CONTRACT.output.label} of {', '.join(CLASSES)}, found {text!r}; correct the line"
    )


def _number(line: int, each: Input, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    low, high = each.bounds
    if not low <= value <= high:  # also true of NaN
        raise Refusal(
            f"line {line}: expected {each.name} between {low:g} and {each.in_unit(f'{high:g}')}, found {text!r}; "
            "correct the line"
        )
    return value
