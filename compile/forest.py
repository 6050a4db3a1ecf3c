"""The trees as a bundle carries them for explanations."""

from typing import Any

import msgspec
import numpy as np

from compile.booster import Model
from contract.manifest import CONTRACT, Digest
from contract.trees import TREES_FILE, Forest, Tree


def forest_file(model: Model) -> dict[str, bytes]:
    """`trees.json`, for a model that the service can serve."""
    if model.interface != CONTRACT:
        return {}
    booster = model.document["learner"]["gradient_booster"]["model"]
    forest = Forest(
        model_sha256=Digest.of(model.data).sha256,
        base_margins=model.trees.base_margins,
        trees=tuple(map(_tree, booster["trees"], booster["tree_info"])),
    )
    return {TREES_FILE: msgspec.json.encode(forest)}


def _tree(tree: dict[str, Any], output: int) -> Tree:
    return Tree(
        output=output,
        left=tuple(tree["left_children"]),
        right=tuple(tree["right_children"]),
        feature=tuple(tree["split_indices"]),
        value=tuple(np.array(tree["split_conditions"], dtype=np.float32).tolist()),
        cover=tuple(tree["sum_hessian"]),
    )
