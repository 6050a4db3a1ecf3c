"""The training data. To train on your own data, replace this file and `contract/`."""

import csv
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from contract.measurements import MEASUREMENTS, Measurement
from contract.refusal import Refusal
from contract.species import SPECIES

DATA = Path("train/data/penguins.csv")
SHA256 = "f204db2c753b0937caac3cb35258562c14f073e4bbc76be24b4c51ce22767a93"  # the digest of DATA's bytes
MISSING = frozenset({"", "NA"})


@dataclass(frozen=True)
class Penguins:
    """The birds with all measurements, in the order of the file."""

    measurements: npt.NDArray[np.float32]  # (rows, len(MEASUREMENTS)), in the units of MEASUREMENTS
    labels: npt.NDArray[np.int64]  # (rows,), indices into SPECIES
    rows_read: int
    rows_dropped: int  # because a measurement is missing


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
    """Parse CSV text in UTF-8. The header names `species` and every measurement. Other columns are ignored.

    Raises Refusal, naming the column that the header lacks, or the line with a value that is no species or no number
    within the measurement's bounds.
    """
    reader = csv.DictReader(StringIO(data.decode("utf-8-sig", errors="replace"), newline=""), restval="")
    for column in ("species", *(measurement.name for measurement in MEASUREMENTS)):
        if column not in (reader.fieldnames or ()):
            raise Refusal(f"line 1: expected a column {column!r}, found {reader.fieldnames}; correct the header")
    birds = [_bird(reader.line_num, row) for row in reader]
    complete = [bird for bird in birds if bird is not None]
    return Penguins(
        measurements=np.array([values for values, _ in complete], np.float32).reshape(-1, len(MEASUREMENTS)),
        labels=np.array([label for _, label in complete], np.int64),
        rows_read=len(birds),
        rows_dropped=len(birds) - len(complete),
    )


def _bird(line: int, row: dict[str, str]) -> tuple[list[float], int] | None:
    """Return the measurements and the label of one row, or None if a measurement is missing."""
    label = _label(line, row["species"])
    if any(row[measurement.name] in MISSING for measurement in MEASUREMENTS):
        return None
    return [_number(line, measurement, row[measurement.name]) for measurement in MEASUREMENTS], label


def _label(line: int, text: str) -> int:
    for label, species in enumerate(SPECIES):
        if text == species:
            return label
    raise Refusal(f"line {line}: expected a species of {', '.join(SPECIES)}, found {text!r}; correct the line")


def _number(line: int, measurement: Measurement, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not measurement.minimum <= value <= measurement.maximum:  # also true of NaN
        raise Refusal(
            f"line {line}: expected {measurement.name} between {measurement.minimum:g} and {measurement.maximum:g} "
            f"{measurement.unit}, found {text!r}; correct the line"
        )
    return value
