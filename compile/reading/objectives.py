"""The objectives that can be compiled: what XGBoost makes of a margin, and what kind of answer that is."""

from typing import Any, Literal, NamedTuple

import xgboost

from contract.schema import Output

Kind = Literal["classes", "label", "number", "numbers"]


class Objective(NamedTuple):
    """How margins become values (the macro TRANSFORM of library.c), and the kind of the answer of one output."""

    transform: str
    kind: Kind


OBJECTIVES = {
    "multi:softprob": Objective("SOFTMAX", "classes"),
    "multi:softmax": Objective("SOFTMAX", "classes"),
    "binary:logistic": Objective("BINARY", "classes"),
    "binary:hinge": Objective("HINGE", "label"),
    "binary:logitraw": Objective("IDENTITY", "number"),
    "reg:squarederror": Objective("IDENTITY", "number"),
    "reg:squaredlogerror": Objective("IDENTITY", "number"),
    "reg:absoluteerror": Objective("IDENTITY", "number"),
    "reg:pseudohubererror": Objective("IDENTITY", "number"),
    "reg:quantileerror": Objective("IDENTITY", "number"),
    "reg:expectileerror": Objective("EXPECTILES", "number"),
    "reg:logistic": Objective("SIGMOID", "number"),
    "reg:gamma": Objective("EXP", "number"),
    "reg:tweedie": Objective("EXP", "number"),
    "count:poisson": Objective("EXP", "number"),
    "survival:cox": Objective("EXP", "number"),
    "survival:aft": Objective("EXP", "number"),
    "rank:ndcg": Objective("IDENTITY", "number"),
    "rank:map": Objective("IDENTITY", "number"),
    "rank:pairwise": Objective("IDENTITY", "number"),
}
ALPHAS = {  # where a file has the levels of an objective that predicts one number for each of them
    "reg:quantileerror": ("quantile_loss_param", "quantile_alpha"),
    "reg:expectileerror": ("expectile_loss_param", "expectile_alpha"),
}
SORTED_SINCE = (3, 4)  # the quantiles of a row, so that they do not cross
QUANTILES_ARE_SORTED = tuple(map(int, xgboost.__version__.split(".")[:2])) >= SORTED_SINCE
UNKNOWN_TO_TREELITE = {"expectile_loss_param", "ti+", "tj-"}  # keys of an objective; the latter: lambdarank_unbiased


def outputs_of(learner: dict[str, Any]) -> int:
    """Return the number of sums: one for each class or each target."""
    return max(int(learner["learner_model_param"]["num_class"]), targets_of(learner))


def targets_of(learner: dict[str, Any]) -> int:
    """Return the number of targets: one for each column of labels, and for each quantile."""
    return max(1, int(learner["learner_model_param"].get("num_target", 1)))


def known_to_tl2cgen(learner: dict[str, Any]) -> bool:
    """Return whether Treelite, which tl2cgen needs, reads such a model: it has one target, and no key that is newer."""
    return targets_of(learner) == 1 and not UNKNOWN_TO_TREELITE & learner["objective"].keys()


def transform_of(learner: dict[str, Any]) -> str:
    """Return how the installed XGBoost turns margins into values.

    Two labels of binary:logistic are two numbers, not four classes.
    """
    transform = OBJECTIVES[learner["objective"]["name"]].transform
    if has_quantiles(learner) and QUANTILES_ARE_SORTED:
        return "SORTED"
    return "SIGMOID" if transform == "BINARY" and outputs_of(learner) > 1 else transform


def has_quantiles(learner: dict[str, Any]) -> bool:
    """Return whether the model answers with several quantiles."""
    return learner["objective"]["name"] == "reg:quantileerror" and outputs_of(learner) > 1


def output_of(learner: dict[str, Any]) -> Output:
    """Return the answer of a model without a contract. Its classes are numbers, its targets are named by theirs."""
    kind, outputs = OBJECTIVES[learner["objective"]["name"]].kind, outputs_of(learner)
    if transform_of(learner) == "SOFTMAX":
        return Output(kind="classes", classes=tuple(map(str, range(outputs))))
    if outputs > 1:
        return Output(kind="numbers", names=_alphas(learner, outputs) or tuple(f"target_{i}" for i in range(outputs)))
    return Output(kind=kind, classes=("0", "1") if kind in ("classes", "label") else ())


def _alphas(learner: dict[str, Any], outputs: int) -> tuple[str, ...]:
    """Return the levels of quantiles or expectiles as text, such as `0.1`; nothing if they do not name the outputs."""
    group, key = ALPHAS.get(learner["objective"]["name"], ("", ""))
    text = learner["objective"].get(group, {}).get(key, "")
    try:
        names = tuple(str(float(number)) for number in text.strip("[]").split(","))
    except ValueError:
        return ()
    return names if len(set(names)) == len(names) == outputs else ()
