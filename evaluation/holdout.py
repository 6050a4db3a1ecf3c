"""What held-out rows say about a model: how good it is, how far to trust it, and what drift is measured against."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from contract.refusal import Refusal
from contract.schema import Contract
from contract.training import HoldOut
from contract.uncertainty import Evidence, Uncertainty
from evaluation.conformal import LEVEL
from evaluation.drift import drift_baseline
from evaluation.figures import figures
from evaluation.rows import HeldOutRows
from evaluation.trust import PROTOCOL, with_distance, with_intervals, with_p_values, with_sets

Values = npt.NDArray[np.float32]  # (rows, values of the output)
# Adds a part to what is known, or raises Refusal, which says why there is none.
Part = Callable[[Uncertainty, Contract, HeldOutRows, Values], Uncertainty]


def evaluate(
    contract: Contract, model_sha256: str, held_out: HeldOutRows, values: Values, level: float = LEVEL
) -> tuple[Uncertainty | None, HoldOut, tuple[str, ...]]:
    """Return the uncertainty of a model, its figures with the baseline of drift, and what there is to tell its owner.

    `values` are the model's answers to `held_out.rows`: float32 (rows, values of the output). `level`, between 0 and 1,
    is that of sets and intervals. The uncertainty is None if the rows give no part of it; for each part that they do
    not give, there is a line that says why. The same arguments give the same results. Raises Refusal if an answer is
    not finite, or if the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise Refusal(f"expected a level between 0 and 1, found {level:g}; choose another, as {LEVEL}")
    if values.shape != (len(held_out.rows), len(contract.output.values)):
        raise ValueError(f"expected values of {len(held_out.rows)} rows and {contract.output.values}")
    wrong = int((~np.isfinite(values)).any(axis=1).sum())
    if wrong:
        raise Refusal(f"expected answers that are finite numbers, found {wrong} rows without; correct them")
    found = HoldOut(
        rows_sha256=held_out.sha256,
        target=held_out.target,
        rows=len(held_out.rows),
        model_sha256=model_sha256,
        figures=figures(contract, held_out.targets, values),
        drift_baseline=drift_baseline(contract, held_out.rows, values),
    )
    uncertainty, notices = _uncertainty(contract, model_sha256, held_out, values, level)
    return uncertainty, found, (*_dropped(held_out), *notices)


def _dropped(held_out: HeldOutRows) -> list[str]:
    if not held_out.rows_dropped:
        return []
    rows = f"{held_out.rows_dropped:,} of {held_out.rows_read:,} rows"
    return [f"left out {rows}, which have no value in {held_out.target!r}"]


def _uncertainty(
    contract: Contract, model_sha256: str, held_out: HeldOutRows, values: Values, level: float
) -> tuple[Uncertainty | None, list[str]]:
    nothing = known = Uncertainty(model_sha256, level, Evidence(PROTOCOL))
    numeric = contract.output.kind in ("number", "numbers")
    parts: dict[str, Part] = {"interval" if numeric else "prediction sets": _with_answers}
    if contract.output.kind == "classes":
        parts["p-values"] = _with_p_values
    parts["distance"] = _with_distance
    notices = []
    for name, part in parts.items():
        try:
            known = part(known, contract, held_out, values)
        except Refusal as refusal:
            notices.append(f"no {name}: {refusal}")
    return (None if known == nothing else known), notices


def _with_answers(known: Uncertainty, contract: Contract, held_out: HeldOutRows, values: Values) -> Uncertainty:
    """Return the uncertainty with sets or intervals. Raises Refusal if answers of this kind have none."""
    output, targets = contract.output, held_out.targets
    if output.kind == "classes":
        return with_sets(known, contract, targets.astype(np.int64), values)
    if output.kind == "label":
        raise Refusal("expected a probability for each class, found a class alone; answer with probabilities")
    if output.kind == "numbers" and targets.ndim == 1:
        raise Refusal("expected a number for each target, found quantiles of one; the outer ones are its interval")
    return with_intervals(known, contract, targets.astype(np.float64).reshape(len(values), -1), values)


def _with_p_values(known: Uncertainty, contract: Contract, held_out: HeldOutRows, values: Values) -> Uncertainty:
    return with_p_values(known, contract, held_out.targets.astype(np.int64), values)


def _with_distance(known: Uncertainty, contract: Contract, held_out: HeldOutRows, values: Values) -> Uncertainty:
    labels = held_out.targets.astype(np.int64) if contract.output.classed else np.zeros(len(values), np.int64)
    return with_distance(known, contract, held_out.rows, labels)
