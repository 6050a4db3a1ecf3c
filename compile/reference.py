"""What answers are judged by: read from beside the model, and written as C."""

from pathlib import Path

import msgspec

from compile.booster import Model
from compile.expression import Expression, literal
from contract.manifest import CONTRACT
from contract.reference import MOST_CLASSES, REFERENCE_FILE, Reference, squared_distance
from contract.refusal import Refusal


def read_reference(model_path: Path, model: Model, model_sha256: str) -> tuple[Reference | None, dict[str, bytes]]:
    """The reference that training wrote beside the model, and the file for the bundle; none for other models.

    Raises Refusal for one that is malformed or of another model.
    """
    path = model_path.with_name(REFERENCE_FILE)
    if model.interface != CONTRACT or not path.exists():
        return None, {}
    data = path.read_bytes()
    try:
        reference = msgspec.json.decode(data, type=Reference)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(f"{path}: {error}; train again: make train") from error
    if reference.model_sha256 != model_sha256:
        raise Refusal(f"{path} belongs to another model than {model_path}; train again: make train")
    _check_shape(reference, path)
    return reference, {REFERENCE_FILE: data}


def _check_shape(reference: Reference, path: Path) -> None:
    count = len(CONTRACT.measurements)
    triangle = list(range(1, count + 1))
    by_species = (reference.gaussians, reference.set_thresholds, reference.conformal_thresholds)
    if any(tuple(table) != CONTRACT.classes for table in by_species) or any(
        len(gaussian.mean) != count or [len(row) for row in gaussian.whitening] != triangle
        for gaussian in reference.gaussians.values()
    ):
        raise Refusal(
            f"{path} is not of {', '.join(CONTRACT.classes)} in {count} measurements; train again: make train"
        )
    if len(CONTRACT.classes) > MOST_CLASSES:
        raise Refusal(f"{path}: expected at most {MOST_CLASSES} classes, found {len(CONTRACT.classes)}; remove it")


def reference_c(reference: Reference | None) -> str:
    """The part of model.h that reference.h of the native library reads."""
    if reference is None:
        return "#define REFERENCE 0"
    columns = [Expression(f"measurement[{i}]") for i in range(len(CONTRACT.measurements))]
    distances = [squared_distance(columns, gaussian).text for gaussian in reference.gaussians.values()]
    thresholds = ", ".join(map(literal, reference.set_thresholds.values()))
    return "\n".join(
        (
            "#define REFERENCE 1",
            f"#define DISTANCE_LIMIT {literal(reference.distance_limit)}",
            f"static const float SET_THRESHOLDS[OUTPUT_COUNT] = {{{thresholds}}};",
            "static inline void squared_distances(const float *measurement, float *squared) {",
            *(f"    squared[{i}] = {text};" for i, text in enumerate(distances)),
            "}",
        )
    )
