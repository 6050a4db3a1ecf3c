"""How far to trust answers: checked against the contract, and written as C."""

from collections.abc import Iterator, Sequence

from compile.expression import literal
from contract.schema import Contract, listed
from contract.uncertainty import MAX_INPUTS, Gaussian, Uncertainty

ALL_ROWS = ("rows",)  # the name of the one Gaussian of a model whose rows have no classes


def misfit(uncertainty: Uncertainty, contract: Contract) -> str | None:
    """Return in words what in it does not belong to a model of this contract, or None."""
    output = contract.output
    classes = output.classes if output.kind == "classes" else ()
    numbers = () if output.classed else output.values
    tables: tuple[tuple[str, Sequence[str], tuple[tuple[str, ...], ...]], ...] = (
        ("conformal_thresholds", tuple(uncertainty.conformal_thresholds), (classes,)),
        ("set_thresholds", tuple(uncertainty.set_thresholds), (classes,)),
        ("calibration", tuple(uncertainty.calibration), (classes,)),
        ("half_widths", tuple(uncertainty.half_widths), (numbers,)),
        ("gaussians", tuple(uncertainty.gaussians), (output.classes, ALL_ROWS)),
    )
    for name, found, possible in tables:
        if found and found not in possible:
            return f"expected {name} of {' or '.join(listed(names) for names in possible)}, found {listed(found)}"
    for name, values in uncertainty.calibration.items():
        if not values or list(values) != sorted(values) or not 0 <= values[0] <= values[-1] <= 1:
            return f"expected the calibration of {name} as probabilities in ascending order, found something else"
    unknown = [name for name in uncertainty.inputs if name not in contract.input_names]
    if unknown or len(set(uncertainty.inputs)) < len(uncertainty.inputs):
        return f"expected inputs of the contract, each once, found {listed(unknown or uncertainty.inputs)}"
    return _misfit_of_distance(uncertainty, len(known_inputs(uncertainty, contract)))


def _misfit_of_distance(uncertainty: Uncertainty, count: int) -> str | None:
    if (uncertainty.distance_limit is None) != (not uncertainty.gaussians):
        return "expected gaussians and a distance_limit, or neither, found one of them"
    if uncertainty.gaussians and count > MAX_INPUTS:
        return f"expected at most {MAX_INPUTS} inputs of a distance, found {count}"
    triangle = list(range(1, count + 1))
    for name, gaussian in uncertainty.gaussians.items():
        if len(gaussian.mean) != count or [len(row) for row in gaussian.whitening] != triangle:
            return f"expected a Gaussian of {count} inputs for {name}, found another shape"
    return None


def known_inputs(uncertainty: Uncertainty, contract: Contract) -> tuple[int, ...]:
    """Return the indices of the inputs that the distance is computed from."""
    return tuple(contract.input_names.index(name) for name in uncertainty.inputs or contract.input_names)


def uncertainty_c(uncertainty: Uncertainty | None, contract: Contract) -> str:
    """Return the part of model.h that reference.h of the native library uses."""
    lines = [f"#define REFERENCE {int(uncertainty is not None)}"]
    gaussians = list(uncertainty.gaussians.values()) if uncertainty else []
    thresholds = list(uncertainty.set_thresholds.values()) if uncertainty else []
    lines += [f"#define GAUSSIAN_COUNT {len(gaussians)}", f"#define HAS_SETS {int(bool(thresholds))}"]
    if uncertainty and uncertainty.distance_limit is not None:
        lines += _gaussians_c(gaussians, uncertainty.distance_limit, known_inputs(uncertainty, contract))
    if thresholds:
        lines.append(f"static const float SET_THRESHOLDS[VALUE_COUNT] = {_list(map(literal, thresholds))};")
    return "\n".join(lines)


def _gaussians_c(gaussians: list[Gaussian], limit: float, known: tuple[int, ...]) -> Iterator[str]:
    means = [_list(map(literal, gaussian.mean)) for gaussian in gaussians]
    whitenings = [_list(_list(map(literal, row)) for row in gaussian.whitening) for gaussian in gaussians]
    yield f"#define KNOWN_COUNT {len(known)}"
    yield f"#define DISTANCE_LIMIT {literal(limit)}"
    yield f"static const int KNOWN[KNOWN_COUNT] = {_list(map(str, known))};"
    yield f"static const float MEAN[GAUSSIAN_COUNT][KNOWN_COUNT] = {_list(means)};"
    yield f"static const float WHITENING[GAUSSIAN_COUNT][KNOWN_COUNT][KNOWN_COUNT] = {_list(whitenings)};"


def _list(items: "Iterator[str] | map[str] | list[str]") -> str:
    return f"{{{', '.join(items)}}}"
