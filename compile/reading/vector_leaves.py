"""Trees whose leaves hold a number for each output (multi_strategy='multi_output_tree'), as trees of one number.

XGBoost adds each number of a leaf to its own sum, tree by tree. So a tree of k numbers answers as k trees of one number
do that follow each other, bit for bit.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from compile.reading.objectives import outputs_of


def has_vectors(learner: dict[str, Any]) -> bool:
    """Return whether the leaves of the model's trees are vectors."""
    return any("leaf_weights" in tree for tree in learner["gradient_booster"]["model"]["trees"])


def misfit(learner: dict[str, Any]) -> str | None:
    """Return in words what is wrong with the vectors of a model that has them, or None."""
    outputs = outputs_of(learner)
    for number, tree in enumerate(learner["gradient_booster"]["model"]["trees"]):
        size, values = int(tree["tree_param"]["size_leaf_vector"]), np.asarray(tree.get("leaf_weights", ()))
        if size != outputs or len(values) % outputs:
            return f"tree {number} has leaves of {size} numbers where the model has {outputs} outputs"
        left, right = np.asarray(tree["left_children"]), np.asarray(tree["right_children"])
        leaves = right[left == -1] if len(left) == len(right) else np.array([-1])
        if len(leaves) and (leaves.min() < 0 or leaves.max() >= len(values) // outputs):
            return f"tree {number} has links that do not lead to its leaves"
        if len(tree["split_conditions"]) != len(left):
            return f"tree {number} has links that do not make a tree"
    return None


def split(content: dict[str, Any]) -> dict[str, Any]:
    """Return the document with one tree for each output in place of each tree."""
    learner = content["learner"]
    booster, outputs = learner["gradient_booster"], outputs_of(learner)
    model = booster["model"]
    trees = [scalar for tree in model["trees"] for scalar in _scalars(tree, outputs)]
    trees = [{**tree, "id": number} for number, tree in enumerate(trees)]
    scalars = {
        **model,
        "gbtree_model_param": {**model["gbtree_model_param"], "num_trees": str(len(trees))},
        "iteration_indptr": np.asarray(model["iteration_indptr"]) * outputs,
        "tree_info": np.tile(np.arange(outputs, dtype=np.int32), len(model["trees"])),
        "trees": trees,
    }
    return {**content, "learner": {**learner, "gradient_booster": {**booster, "model": scalars}}}


def _scalars(tree: dict[str, Any], outputs: int) -> list[dict[str, Any]]:
    """Return the tree once for each output. A leaf's link to the right is the number of its vector."""
    leaf = tree["left_children"] == -1
    vectors: npt.NDArray[np.float32] = np.asarray(tree["leaf_weights"]).reshape(-1, outputs)
    numbers = np.where(leaf, tree["right_children"], 0)
    common = {
        **{key: value for key, value in tree.items() if key != "leaf_weights"},
        "base_weights": np.zeros(len(leaf), dtype=np.float32),
        "right_children": np.where(leaf, np.int32(-1), tree["right_children"]),
        "tree_param": {**tree["tree_param"], "size_leaf_vector": "1"},
    }
    return [
        {**common, "split_conditions": np.where(leaf, vectors[numbers, output], tree["split_conditions"])}
        for output in range(outputs)
    ]
