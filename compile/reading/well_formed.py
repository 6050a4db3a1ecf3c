"""What XGBoost does not check before it predicts: links, features, outputs, rounds, and numbers that are not finite."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from compile.reading import categories
from compile.reading.objectives import outputs_of

CAUSES = {  # the cause of numbers that are not finite
    "threshold": "values near the largest float32; if they mean missing, with missing=",
    "leaf": "infinite gradients, which custom objectives give",
}
LARGEST = float(np.finfo(np.float32).max)


def malformed(learner: dict[str, Any]) -> str | None:
    """Return in words what cannot be evaluated in a model that XGBoost has saved again, and a way out, or None."""
    parameters, model = learner["learner_model_param"], learner["gradient_booster"]["model"]
    features, outputs = int(parameters["num_feature"]), outputs_of(learner)
    if len(learner["feature_names"]) not in (0, features):
        return f"the model has {features} features and {len(learner['feature_names'])} names for them"
    if not _are_rounds(np.asarray(model["iteration_indptr"]), len(model["trees"])):
        return "the rounds (iteration_indptr) do not divide the trees"
    groups = np.asarray(model["tree_info"])
    if len(groups) != len(model["trees"]) or groups.min() < 0 or groups.max() >= outputs:
        return "a tree adds to an output that the model does not have"
    for number, tree in enumerate(model["trees"]):
        found = _malformed_tree(tree, features)
        if found:
            return f"tree {number} {found}"
    return categories.malformed_lists(learner) or categories.too_large(learner)


def _are_rounds(starts: npt.NDArray[Any], trees: int) -> bool:
    return len(starts) > 1 and starts[0] == 0 and starts[-1] == trees and bool((np.diff(starts) > 0).all())


def _malformed_tree(tree: dict[str, Any], features: int) -> str | None:
    lists = [tree[name] for name in ("left_children", "right_children", "split_indices", "split_conditions")]
    if len({len(entries) for entries in lists}) != 1 or not _is_tree(lists[0].tolist(), lists[1].tolist()):
        return "has links that do not make a tree"
    inner = lists[0] != -1
    indices = lists[2][inner]
    if len(indices) and (indices.min() < 0 or indices.max() >= features):
        return "splits on a feature that the model does not have"
    found = categories.malformed(tree)
    if found:
        return found
    values = lists[3]
    for kind, which in (("threshold", inner & ~categories.categorical(tree)), ("leaf", ~inner)):
        bad = which & ~np.isfinite(values)
        if bad.any():
            node = int(bad.argmax())
            return (
                f"has a {kind} of {values[node]} at node {node}, which JSON cannot hold; train without {CAUSES[kind]}"
            )
    return None


def _is_tree(left: list[int], right: list[int]) -> bool:
    """Return whether every link leads from the root to another node, and to no node twice."""
    seen = {0}
    for level in levels(left, right):
        for child in level:
            if child in seen or not 0 < child < len(left):
                return False
            seen.add(child)
    return True


def levels(left: list[int], right: list[int]) -> Iterator[list[int]]:
    """Yield the children of the root, their children, and so on, without nodes that pruning has cut off."""
    level = [0]
    while level := [child for node in level if left[node] != -1 for child in (left[node], right[node])]:
        yield level


def may_overflow(document: dict[str, Any], base_margins: tuple[float, ...]) -> bool:
    """Return whether finite leaves could add up to infinity."""
    model = document["learner"]["gradient_booster"]["model"]
    most = np.abs(np.array(base_margins, dtype=np.float64))
    for tree, output in zip(model["trees"], model["tree_info"], strict=True):
        most[output] += np.abs(tree["split_conditions"][tree["left_children"] == -1]).max()
    return bool((most >= LARGEST).any())
