"""What a model may contain that the compiled library could not answer exactly. Each is refused by name."""

from typing import Any

import numpy as np

from compile.reading.objectives import OBJECTIVES

LOGITRAW_BASE = (1, 3)  # since then, binary:logitraw takes the base score for a margin
LEAF_WEIGHTS = (3, 2)  # since then, trees of vectors have them
SUPPORTED = f"supported are tree models (gbtree) with the objectives {', '.join(OBJECTIVES)}"


def unsupported(learner: dict[str, Any]) -> str | None:
    """Return in words what cannot be compiled in a model that XGBoost has saved again, or None."""
    return unsupported_name(learner) or _with_support(_in_trees(learner))


def unsupported_name(learner: dict[str, Any]) -> str | None:
    """Return in words what cannot be compiled by the names and numbers at the top of any file, or None."""
    return _with_support(_by_name(learner))


def changed_since(learner: dict[str, Any], version: tuple[int, ...]) -> str | None:
    """Return in words what the installed XGBoost reads otherwise than the one of that version wrote it, or None."""
    objective = _object(learner, "objective").get("name")
    if objective == "binary:logitraw" and version < LOGITRAW_BASE:
        return (
            "binary:logitraw of XGBoost before 1.3, which took the base score for a probability: a newer one takes it "
            "for a margin; train it again with a newer XGBoost"
        )
    if version < LEAF_WEIGHTS and any(_has_vectors(tree) for tree in _trees(learner)):
        return (
            "leaves that are vectors (multi_strategy='multi_output_tree') as XGBoost before 3.2 wrote them: a newer "
            "one crashes on them; train it again with a newer XGBoost, or with multi_strategy='one_output_per_tree'"
        )
    return None


def _has_vectors(tree: Any) -> bool:
    return str(_object(tree, "tree_param").get("size_leaf_vector", "1")) not in ("0", "1")


def _with_support(found: str | None) -> str | None:
    return f"{found}; {SUPPORTED}" if found else None


def _by_name(learner: dict[str, Any]) -> str | None:
    booster, objective = _object(learner, "gradient_booster"), _object(learner, "objective")
    if booster.get("name") != "gbtree":
        return f"the booster {booster.get('name')!r}"
    if "weight_drop" in booster or "weight_drop" in _object(booster, "model"):
        return "weighted trees (weight_drop: the booster dart, as XGBoost 3.3 and newer write it)"
    if not isinstance(objective.get("name"), str) or objective["name"] not in OBJECTIVES:
        return f"the objective {objective.get('name')!r}"
    if not _trees(learner):
        return "a model without trees"
    return None


def _in_trees(learner: dict[str, Any]) -> str | None:
    model = learner["gradient_booster"]["model"]
    if any(np.any(tree["split_type"]) for tree in model["trees"]):
        return "categorical splits"
    if len(model.get("cats", {}).get("enc", ())):
        return "features whose categories are stored in the model"
    return None


def _trees(learner: dict[str, Any]) -> list[Any]:
    trees = _object(_object(learner, "gradient_booster"), "model").get("trees")
    return trees if isinstance(trees, list) else []


def _object(parent: Any, key: str) -> dict[str, Any]:
    """Return an object's member that is an object, or an empty object if there is none."""
    child = parent.get(key) if isinstance(parent, dict) else None
    return child if isinstance(child, dict) else {}
