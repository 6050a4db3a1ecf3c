"""The files that training leaves beside a model: each is used if it describes this model, and else left aside."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np

from compile.certification.probes import Rows
from compile.reading.booster import CompilableModel
from compile.uncertainty import misfit
from contract.manifest import TRAINING_FILE, Digest
from contract.refusal import Refusal
from contract.schema import Input
from contract.training import HOLDOUT_FILE, KNOWN_ROWS_FILE, HoldOut, KnownRows, TrainingSummary
from contract.training import misfit as misfit_of_rows
from contract.uncertainty import UNCERTAINTY_FILE, Uncertainty

TRAINING_ROWS_FILE = "training_rows.csv"
KINDS: dict[str, type] = {
    TRAINING_FILE: TrainingSummary,
    HOLDOUT_FILE: HoldOut,
    UNCERTAINTY_FILE: Uncertainty,
    KNOWN_ROWS_FILE: KnownRows,
}

Described = TypeVar("Described")


class Beside(NamedTuple):
    """What is known about a model from elsewhere.

    `uncertainty` is what answers are judged by. `files` belong in the bundle. `rows` (rows, inputs) are compared for
    the certificate. `notices` say what was left aside, and why.
    """

    uncertainty: Uncertainty | None = None
    files: dict[str, bytes] = {}  # noqa: RUF012  # never changed
    rows: Rows | None = None
    notices: tuple[str, ...] = ()


class _OfModel(msgspec.Struct):
    model_sha256: str


def read_beside(path: Path, model: CompilableModel) -> Beside:
    """Return what the files beside `path` say about the model. Raises Refusal if one of this model is malformed."""
    sha256, notices = Digest.of(model.data).sha256, list[str]()
    files: dict[str, bytes] = {}
    found: dict[str, object] = {}
    for name, kind in KINDS.items():
        file = path.with_name(name)
        data = _of_this_model(file, sha256, notices)
        if data is not None:
            files[name], found[name] = data, _decoded(file, data, kind)
    uncertainty = found.get(UNCERTAINTY_FILE)
    assert uncertainty is None or isinstance(uncertainty, Uncertainty)
    wrong = misfit(uncertainty, model.contract) if uncertainty else None
    if wrong:
        raise Refusal(
            f"{path.with_name(UNCERTAINTY_FILE)}: {wrong}; make it again or remove it: answers have less then"
        )
    published = found.get(KNOWN_ROWS_FILE)
    assert published is None or isinstance(published, KnownRows)
    wrong = misfit_of_rows(published, model.contract) if published else None
    if wrong:
        raise Refusal(f"{path.with_name(KNOWN_ROWS_FILE)}: {wrong}; make it again or remove it: no rows are shown then")
    rows = _training_rows(path.with_name(TRAINING_ROWS_FILE), model, TRAINING_FILE in found, notices)
    return Beside(uncertainty, files, rows, tuple(notices))


def _of_this_model(path: Path, sha256: str, notices: list[str]) -> bytes | None:
    """Return the file if it exists and describes the model. Add to the notices if it describes another one."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refusal(f"cannot read {path}: {error.strerror}; fix that or remove the file") from error
    try:
        described = msgspec.json.decode(data, type=_OfModel).model_sha256
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        described = "nothing that is known here"
    if described == sha256:
        return data
    notices.append(f"{path} is left aside: expected model_sha256 {sha256[:16]}, found {described[:26]}")
    return None


def _decoded(path: Path, data: bytes, kind: type[Described]) -> Described:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(f"{path}: {error}; make it again (make train makes the penguins'), or remove it") from error


def _training_rows(path: Path, model: CompilableModel, described: bool, notices: list[str]) -> Rows | None:
    """Return the rows of the CSV file. It belongs to the model that training.json describes."""
    if not path.exists():
        return None
    if not described:
        notices.append(f"{path} is left aside: no {TRAINING_FILE} beside it describes this model")
        return None
    inputs = model.contract.inputs
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return np.array([_row(row, inputs) for row in csv.DictReader(file)], np.float32).reshape(-1, len(inputs))
    except (OSError, ValueError, KeyError) as error:
        raise Refusal(f"{path}: expected rows of the contract's inputs ({error}); train again or remove it") from error


def _row(row: dict[str, str], inputs: Sequence[Input]) -> list[float]:
    return [_number(row[each.name], each) for each in inputs]


def _number(text: str, each: Input) -> float:
    """Return the number that the model gets. An empty cell is missing."""
    if not text:
        return float("nan")
    if each.kind == "category" and text in each.categories:
        return each.number(text)
    return float({"true": "1", "false": "0"}.get(text.lower(), text))
