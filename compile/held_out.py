"""What the owner's held-out rows say about a model: `python -m compile MODEL --rows CSV --target COLUMN`."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from compile.beside import Beside
from compile.certification.oracle import BoosterOracle
from compile.certification.probes import Rows, derive_rows
from compile.reading.booster import CompilableModel
from contract.manifest import Digest, encode
from contract.training import HOLDOUT_FILE
from contract.uncertainty import UNCERTAINTY_FILE
from evaluation.conformal import LEVEL
from evaluation.holdout import evaluate
from evaluation.rows import read_rows


class HeldOut(NamedTuple):
    """A CSV file of rows that the model was not trained on, and its column (or columns) with the true answers.

    `level` is that of the prediction sets or intervals.
    """

    path: Path
    target: str
    level: float = LEVEL


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
    return Beside(
        uncertainty, files, _joined(known.rows, held_out.rows), (*known.notices, *notices, _said(found.figures))
    )


def _joined(one: Rows | None, other: Rows) -> Rows:
    return other if one is None else np.concatenate([one, other])


def _said(figures: dict[str, float]) -> str:
    return "on the held-out rows: " + ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
