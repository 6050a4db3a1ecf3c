"""How far to trust answers: read from the file beside the model, and written as C."""

from pathlib import Path

import msgspec

from compile.expression import Expression, literal
from compile.reading.booster import CompilableModel
from contract.manifest import CONTRACT, listed
from contract.refusal import Refusal
from contract.uncertainty import MAX_CLASSES, UNCERTAINTY_FILE, Uncertainty, squared_distance

TRAIN_AGAIN = "train again: python -m train, or remove it: answers have no prediction set then"


def read_uncertainty(
    model_path: Path, model: CompilableModel, model_sha256: str
) -> tuple[Uncertainty | None, dict[str, bytes]]:
    """Return the uncertainty that training wrote beside the model, and its file for the bundle.

    There is none for a model of another contract. Raises Refusal if the file is malformed or is of another model.
    """
    path = model_path.with_name(UNCERTAINTY_FILE)
    if model.interface != CONTRACT or not path.exists():
        return None, {}
    data = path.read_bytes()
    try:
        uncertainty = msgspec.json.decode(data, type=Uncertainty)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(f"{path}: {error}; {TRAIN_AGAIN}") from error
    if uncertainty.model_sha256 != model_sha256:
        raise Refusal(f"{path} belongs to another model than {model_path}; {TRAIN_AGAIN}")
    _check_shape(uncertainty, path)
    return uncertainty, {UNCERTAINTY_FILE: data}


def _check_shape(uncertainty: Uncertainty, path: Path) -> None:
    count = len(CONTRACT.measurements)
    triangle = list(range(1, count + 1))
    by_species = (uncertainty.gaussians, uncertainty.set_thresholds, uncertainty.conformal_thresholds)
    if any(tuple(table) != CONTRACT.classes for table in by_species) or any(
        len(gaussian.mean) != count or [len(row) for row in gaussian.whitening] != triangle
        for gaussian in uncertainty.gaussians.values()
    ):
        raise Refusal(f"{path} is not of {listed(CONTRACT.classes)} in {count} measurements; {TRAIN_AGAIN}")
    if len(CONTRACT.classes) > MAX_CLASSES:
        raise Refusal(f"{path}: expected at most {MAX_CLASSES} classes, found {len(CONTRACT.classes)}; remove it")


def uncertainty_c(uncertainty: Uncertainty | None) -> str:
    """Return the part of model.h that reference.h of the native library uses."""
    if uncertainty is None:
        return "#define REFERENCE 0"
    columns = [Expression(f"present(measurement[{i}])") for i in range(len(CONTRACT.measurements))]
    distances = [squared_distance(columns, gaussian).text for gaussian in uncertainty.gaussians.values()]
    thresholds = ", ".join(map(literal, uncertainty.set_thresholds.values()))
    return "\n".join(
        (
            "#define REFERENCE 1",
            f"#define DISTANCE_LIMIT {literal(uncertainty.distance_limit)}",
            f"static const float SET_THRESHOLDS[OUTPUT_COUNT] = {{{thresholds}}};",
            "static inline void squared_distances(const float *measurement, float *squared) {",
            *(f"    squared[{i}] = {text};" for i, text in enumerate(distances)),
            "}",
        )
    )
