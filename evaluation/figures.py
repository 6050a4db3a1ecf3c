"""How good answers are, as figures by name. Each is a mean over the rows, and none depends on their order."""

import numpy as np
import numpy.typing as npt

from contract.schema import Contract
from evaluation.calibration import expected_calibration_error, sort_by_confidence
from evaluation.drift import answered
from evaluation.quantiles import quantile_levels

LEAST = float(np.finfo(np.float32).eps)  # a smaller probability counts as this one, as scikit-learn counts it

Numbers = npt.NDArray[np.float64]  # (rows,)


def figures(
    contract: Contract, targets: npt.NDArray[np.int64] | Numbers, values: npt.NDArray[np.float32]
) -> dict[str, float]:
    """Return the figures of the model's answers.

    `targets` has the shapes of `evaluation.rows.HeldOutRows`, `values` is float32 (rows, values of the output).
    """
    output = contract.output
    if output.classed:
        found = {"accuracy": float((answered(contract, values) == targets).mean())}
        return found | _of_probabilities(targets.astype(np.int64), values) if output.kind == "classes" else found
    truth, answers = targets.astype(np.float64), values.astype(np.float64)
    if output.kind == "number":
        return _of_number(truth, answers[:, 0])
    if truth.ndim == 1:
        quantiles = zip(quantile_levels(output.names), answers.T, strict=True)
        return {f"pinball_loss_{level:g}": pinball_loss(truth, column, level) for level, column in quantiles}
    errors = zip(output.names, (truth - answers).T, strict=True)
    return {f"root_mean_squared_error_{name}": _root_mean_square(column) for name, column in errors}


def log_losses(labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the log loss of each answer, in nats: float64 of the shape of `labels`.

    `probabilities` has one more axis, the classes. `labels` are indices into it.
    """
    own = np.take_along_axis(probabilities, labels[..., None], axis=-1)[..., 0].astype(np.float64)
    losses: npt.NDArray[np.float64] = -np.log(np.clip(own, LEAST, 1))
    return losses


def _of_probabilities(labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32]) -> dict[str, float]:
    return {
        "log_loss": float(log_losses(labels, probabilities).mean()),
        "expected_calibration_error": expected_calibration_error(sort_by_confidence(labels, probabilities)),
    }


def _of_number(truth: Numbers, answers: Numbers) -> dict[str, float]:
    """Return the errors in the unit of the number, and the share of its variance that is explained.

    That share does not exist if all true numbers are equal.
    """
    errors, spread = truth - answers, truth - truth.mean()
    found = {"root_mean_squared_error": _root_mean_square(errors), "mean_absolute_error": float(np.abs(errors).mean())}
    if np.ptp(truth) > 0:
        found["r_squared"] = float(1 - (errors**2).sum() / (spread**2).sum())
    return found


def _root_mean_square(errors: Numbers) -> float:
    return float(np.sqrt((errors**2).mean()))


def pinball_loss(truth: Numbers, answers: Numbers, level: float) -> float:
    """Return the mean pinball loss of a quantile (Koenker & Bassett 1978, Econometrica 46), in the unit of the number.

    A true number above the answer costs `level` a unit, one below it 1 - `level`.
    """
    errors = truth - answers
    return float(np.maximum(level * errors, (level - 1) * errors).mean())
