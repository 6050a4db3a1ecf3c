"""The trees of a model, as a bundle holds them for explanations."""

from typing import Any

import msgspec
import numpy as np

from compile.reading.booster import CompilableModel
from compile.reading.categories import categorical, sets_of
from contract.manifest import Digest
from contract.trees import TREES_FILE, Forest, Tree


def forest_file(model: CompilableModel) -> dict[str, bytes]:
    """Return `trees.json`."""
    booster = model.document["learner"]["gradient_booster"]["model"]
    forest = Forest(
        model_sha256=Digest.of(model.data).sha256,
        base_margins=model.trees.base_margins,
        trees=tuple(map(_tree, booster["trees"], booster["tree_info"].tolist())),
    )
    return {TREES_FILE: msgspec.json.encode(forest)}


def _tree(tree: dict[str, Any], output: int) -> Tree:
    return Tree(
        output=output,
        left=tuple(tree["left_children"].tolist()),
        right=tuple(tree["right_children"].tolist()),
        feature=tuple(tree["split_indices"].tolist()),
        value=tuple(np.where(categorical(tree), np.float32(0), tree["split_conditions"]).tolist()),
        cover=tuple(tree["sum_hessian"].tolist()),
        missing_left=tuple(map(bool, tree["default_left"].tolist())),
        categories=sets_of(tree),
    )
