"""One model, judged: it answers with XGBoost's own bits, or it is refused by name; anything else is a third outcome.

The bits are those of the installed XGBoost: of `certify`, and, on the rows that the file's own XGBoost was asked, of
`Booster.predict` over a DMatrix. What that older XGBoost answered itself may differ by as much as a changed order of
additions explains, which is written down here.
"""

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xgboost

from binding.library import Library
from compile import build
from compile.certification import probes
from compile.certification.parity import certify, ulp_distance
from compile.reading.booster import CompilableModel, read_model
from compile.reading.objectives import QUANTILES_ARE_SORTED
from contract.refusal import Refusal
from tests.matrix.cells import Cell, Version, version_of
from tests.matrix.expected import Expectation
from tests.support.libraries import TL2CGEN, WALK, built

EQUAL, REFUSED, THIRD = "equal", "refused", "third"
ADDED_LAST: Version = (1, 3)  # until then XGBoost added the base score after the leaves
ADDED_AS_PREDICTED: Version = (3, 3)  # since then the wrapper adds the trees of DART as Booster.predict does
STEPS_THEN = 16  # float32 steps, at the larger of the number and 1: half a step for each tree, either way
STEPS_OF_VALUES = 1  # since then, of what the margins become; margins are the same
RANDOM_ROWS, CONTEXTS = 2_000, 1  # what `certify` asks here; as many as it really asks have tests of their own


class Outcome(NamedTuple):
    """What became of one cell; `text` is the reason of a refusal, or what went wrong."""

    kind: str
    text: str


class Different(Exception):
    """Two answers that should be equal differ."""


def ask_less() -> None:
    """Compile faster, and ask fewer rows, in this process."""
    build.OPTIMIZED = "-O1"
    probes.RANDOM_ROWS, probes.CONTEXTS = RANDOM_ROWS, CONTEXTS


def judge(cell: Cell, files: list[Path], answers: Path) -> Outcome:
    """Judge all files of one cell, which hold the same model."""
    expectation = Expectation(cell, xgboost.__version__)
    read = [_read(file) for file in files]
    refusals = [text for text in read if isinstance(text, str)]
    if refusals:
        return _refused(expectation, refusals, len(files))
    if not expectation.may_be_equal:
        return Outcome(THIRD, f"compiled, and should be refused: {', '.join(expectation.reasons)}")
    models = [model for model in read if isinstance(model, CompilableModel)]
    try:
        _compare(cell, models, files, dict(np.load(answers)))
    except (Refusal, Different) as difference:
        return Outcome(THIRD, str(difference))
    return Outcome(EQUAL, "")


def _read(file: Path) -> CompilableModel | str:
    try:
        return read_model(file)
    except Refusal as refusal:
        return str(refusal)


def _refused(expectation: Expectation, refusals: list[str], files: int) -> Outcome:
    reasons = [expectation.named(text) for text in refusals]
    if len(refusals) != files:
        return Outcome(THIRD, f"refused in one format only: {refusals[0]}")
    if None in reasons:
        return Outcome(THIRD, f"refused for another reason: {refusals[reasons.index(None)]}")
    return Outcome(REFUSED, str(reasons[0]))


def _compare(cell: Cell, models: list[CompilableModel], files: list[Path], recorded: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        walked = cell.number % 2 or not models[0].for_tl2cgen
        library = Library(built(models[0], Path(directory), WALK if walked else TL2CGEN))
    rows = _asked(recorded)
    batch = library.predict_feature_rows(rows.tobytes(), 0, len(rows))
    margins = np.frombuffer(batch.margins, dtype=np.float32)
    for model, file in zip(models, files, strict=True):
        certify(library, model, None)
        _same_bits(margins, _installed(file, rows), "XGBoost's Booster.predict")
    values = np.frombuffer(batch.values, dtype=np.float32).reshape(len(rows), library.values)
    shares = values[:, -library.outputs :]  # of two classes the second, which is XGBoost's own
    labels = np.frombuffer(batch.labels, dtype=np.int32)
    compare_recorded(cell, recorded, margins, shares, labels)


def _asked(recorded: dict[str, Any]) -> Any:
    """Return the rows that were asked, with NaN for whatever meant missing."""
    return np.where(recorded["rows"] == recorded["missing"], np.float32(np.nan), recorded["rows"])


def _installed(file: Path, rows: Any) -> Any:
    """Return the installed XGBoost's margins, up to the best round where the file names one."""
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(file)
    best = booster.attr("best_iteration")
    rounds = (0, 0 if best is None else int(best) + 1)
    described = {"feature_names": booster.feature_names, "feature_types": booster.feature_types}
    data = xgboost.DMatrix(rows, enable_categorical=True, **described)
    return booster.predict(data, output_margin=True, iteration_range=rounds)


def _same_bits(found: Any, expected: Any, whose: str) -> None:
    wrong = found.view(np.uint32) != expected.ravel().view(np.uint32)
    if wrong.any():
        i = int(wrong.argmax())
        raise Different(f"{wrong.sum()} of {wrong.size} margins are not {whose}: {found[i]}, {expected.ravel()[i]}")


def compare_recorded(cell: Cell, recorded: dict[str, Any], margins: Any, shares: Any, labels: Any) -> None:
    """Compare with what the XGBoost that trained the model answered. Raises Different."""
    then = version_of(cell.version) < ADDED_LAST
    other = then or (cell.booster == "dart" and version_of(cell.version) < ADDED_AS_PREDICTED)
    _near(then, margins, recorded["margins"], 0, "margins")
    values = recorded["values"]
    if cell.objective == "reg:quantileerror" and QUANTILES_ARE_SORTED and values.ndim > 1:
        values = np.sort(values)  # as the installed XGBoost does, and not every one that trains them
    if cell.objective != "multi:softmax":  # whose values are labels
        _near(then, shares, values, STEPS_OF_VALUES, "values")
    if "wrapper_shares" in recorded:
        whole = recorded["wrapper_shares"]
        _near(other, shares, whole[:, -shares.shape[1] :], STEPS_OF_VALUES, "predict_proba")
        wrong = recorded["wrapper_classes"][labels] != recorded["wrapper_predicted"]
        if wrong.any():
            raise Different(f"{wrong.sum()} of {wrong.size} labels are not those of the wrapper of {cell.version}")
    elif "wrapper_predicted" in recorded:
        _near(other, shares, recorded["wrapper_predicted"], STEPS_OF_VALUES, "predictions of the wrapper")


def _near(then: bool, found: Any, expected: Any, steps_since: int, what: str) -> None:
    found, expected = found.ravel(), expected.ravel().astype(np.float32)
    if then:
        steps = np.abs(found - expected) / np.spacing(np.maximum(np.abs(expected), np.float32(1)))
    else:
        steps = ulp_distance(found, expected)
    bound = STEPS_THEN if then else steps_since
    if not (steps <= bound).all():
        i = int(np.nan_to_num(steps, nan=np.inf).argmax())
        raise Different(
            f"{what}: {found[i]} is {steps[i]:g} steps from the {expected[i]} of the file's own XGBoost; "
            f"{bound} are explained"
        )
