"""DART: trees with weights. They are read as trees without weights that answer the same, bit for bit.

XGBoost adds float32(weight * leaf) for each tree, in float32. So a weight is multiplied into the leaves of its tree,
rounded once. It is saved in three ways: until 3.2 as the booster `dart`, which holds a `gbtree`; in 3.3 as `gbtree`
with `weight_drop` beside its model; since 3.4 with `weight_drop` in the model. `canonical` makes the last way of each.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

WEIGHTS = "weight_drop"


def canonical(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with weights, unless all are 1, where XGBoost 3.4 saves them.

    What is not understood stays as it is. It is refused by its key.
    """
    learner = document.get("learner")
    booster = learner.get("gradient_booster") if isinstance(learner, dict) else None
    if not isinstance(learner, dict) or not isinstance(booster, dict):
        return document
    inner = booster.get("gbtree")
    if booster.get("name") == "dart" and isinstance(inner, dict) and "model" not in booster:
        booster = {**inner, **{key: value for key, value in booster.items() if key not in ("gbtree", "name")}}
    model = booster.get("model")
    if not isinstance(model, dict) or not isinstance(booster.get(WEIGHTS, model.get(WEIGHTS)), list | np.ndarray):
        return document
    if WEIGHTS in booster and WEIGHTS in model:
        return document
    weights = booster.get(WEIGHTS, model.get(WEIGHTS))
    model = {key: value for key, value in model.items() if key != WEIGHTS}
    if not _are_ones(weights, model):
        model[WEIGHTS] = weights
    booster = {**{key: value for key, value in booster.items() if key != WEIGHTS}, "model": model}
    return {**document, "learner": {**learner, "gradient_booster": booster}}


def _are_ones(weights: Any, model: dict[str, Any]) -> bool:
    """Return whether the weights change nothing. XGBoost may save none for trees that were trained without drops."""
    trees = model.get("trees")
    count = len(trees) if isinstance(trees, list) else -1
    return len(weights) in (0, count) and all(isinstance(each, int | float) and each == 1 for each in list(weights))


def weights_of(document: dict[str, Any]) -> Any:
    """Return the weights in a canonical document, or None if there are none."""
    return document["learner"]["gradient_booster"].get("model", {}).get(WEIGHTS)


def misfit(document: dict[str, Any]) -> str | None:
    """Return in words what is wrong with the weights of a canonical document that has some, or None."""
    weights = weights_of(document)
    trees = len(document["learner"]["gradient_booster"]["model"]["trees"])
    if weights is not None and len(weights) != trees:
        return f"the model has {trees} trees and {len(weights)} weights for them ({WEIGHTS})"
    return None


def without_weights(document: dict[str, Any]) -> dict[str, Any]:
    """Return a canonical document with the weights multiplied into the leaves, each product rounded to float32."""
    weights = weights_of(document)
    if weights is None:
        return document
    learner = document["learner"]
    model = {key: value for key, value in learner["gradient_booster"]["model"].items() if key != WEIGHTS}
    factors = np.asarray(weights, dtype=np.float32)
    model["trees"] = [_weighted(tree, factor) for tree, factor in zip(model["trees"], factors, strict=True)]
    return {
        **document,
        "learner": {**learner, "gradient_booster": {**learner["gradient_booster"], "model": model}},
    }


def _weighted(tree: dict[str, Any], factor: np.float32) -> dict[str, Any]:
    """Return a tree whose leaves, numbers or vectors, are multiplied by a factor."""
    with np.errstate(all="ignore"):
        if "leaf_weights" in tree:
            return {**tree, "leaf_weights": np.asarray(tree["leaf_weights"], dtype=np.float32) * factor}
        values: npt.NDArray[np.float32] = np.asarray(tree["split_conditions"], dtype=np.float32)
        return {**tree, "split_conditions": np.where(tree["left_children"] == -1, values * factor, values)}
