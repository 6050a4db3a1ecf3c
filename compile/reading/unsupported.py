"""What a model may contain that the compiled library could not answer exactly. Each is refused by name."""

from typing import Any

from compile.reading.objectives import OBJECTIVES

LOGITRAW_BASE = (1, 3)  # since then, binary:logitraw takes the base score for a margin
LEAF_WEIGHTS = (3, 2)  # since then, trees of vectors have them
SUPPORTED = f"supported are tree models (gbtree, dart) with the objectives {', '.join(OBJECTIVES)}"


def unsupported(learner: dict[str, Any]) -> str | None:
    """Return in words what cannot be compiled by the names and numbers at the top of any file, or None."""
    found = _by_name(learner)
    return f"{found}; {SUPPORTED}" if found else None


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


def _by_name(learner: dict[str, Any]) -> str | None:
    booster, objective = _object(learner, "gradient_booster"), _object(learner, "objective")
    if booster.get("name") != "gbtree":
        return f"the booster {booster.get('name')!r}"
    if not isinstance(objective.get("name"), str) or objective["name"] not in OBJECTIVES:
        return f"the objective {objective.get('name')!r}"
    if not _trees(learner):
        return "a model without trees"
    return None


def _trees(learner: dict[str, Any]) -> list[Any]:
    trees = _object(_object(learner, "gradient_booster"), "model").get("trees")
    return trees if isinstance(trees, list) else []


def _object(parent: Any, key: str) -> dict[str, Any]:
    """Return an object's member that is an object, or an empty object if there is none."""
    child = parent.get(key) if isinstance(parent, dict) else None
    return child if isinstance(child, dict) else {}
