"""What the owner's held-out rows say about a model: `python -m compile MODEL --rows CSV --target COLUMN`."""

from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from compile.beside import Beside
from compile.certification.oracle import BoosterOracle
from compile.certification.probes import Rows, derive_rows
from compile.reading.booster import CompilableModel
from contract.manifest import Digest, encode
from contract.training import HOLDOUT_FILE, KNOWN_ROWS_FILE
from contract.uncertainty import UNCERTAINTY_FILE
from evaluation.conformal import LEVEL
from evaluation.holdout import evaluate
from evaluation.published import known_rows
from evaluation.rows import HeldOutRows, read_rows


class HeldOut(NamedTuple):
    """A CSV file of rows that the model was not trained on, and its column (or columns) with the true answers.

    `level` is that of the prediction sets or intervals. `publish` puts rows of the file into the bundle, for everybody
    who can ask the service.
    """

    path: Path
    target: str
    level: float = LEVEL
    publish: bool = False


def with_held_out(known: Beside, given: HeldOut, model: CompilableModel) -> Beside:
    """Return what is known about a model, with what XGBoost's answers to the held-out rows say. Raises Refusal.

    They replace an uncertainty that was made elsewhere. The rows are also compared for the certificate.
    """
    held_out = read_rows(given.path, model.contract, given.target)
    values = BoosterOracle(model).answer(derive_rows(model.contract, held_out.rows, model.missing)).values
    uncertainty, found, notices = evaluate(model.contract, Digest.of(model.data).sha256, held_out, values, given.level)
    files = {name: data for name, data in known.files.items() if name != UNCERTAINTY_FILE}
    files[HOLDOUT_FILE] = encode(found)
    if uncertainty is not None:
        files[UNCERTAINTY_FILE] = encode(uncertainty)
    said = [*known.notices, *notices, _said(found.figures)]
    if given.publish:
        said.append(_publish(files, held_out, model))
    return Beside(uncertainty, files, _joined(known.rows, held_out.rows), tuple(said))


def _publish(files: dict[str, bytes], held_out: HeldOutRows, model: CompilableModel) -> str:
    """Add the rows to the files of the bundle. Return what that means."""
    sha256 = Digest.of(model.data).sha256
    found = known_rows(model.contract, sha256, held_out.rows, held_out.targets, held_out.target)
    files[KNOWN_ROWS_FILE] = msgspec.json.encode(found) + b"\n"
    return (
        f"{len(found.rows)} of {found.total} rows are in the bundle with their answers ({KNOWN_ROWS_FILE}): everybody "
        "who can ask the service can read them, at GET /model/rows"
    )


def _joined(one: Rows | None, other: Rows) -> Rows:
    return other if one is None else np.concatenate([one, other])


def _said(figures: dict[str, float]) -> str:
    return "on the held-out rows: " + ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
