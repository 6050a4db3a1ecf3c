"""Reading a trained booster, and refusing by name what the compiled library could not answer exactly."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import xgboost

from contract.features import FEATURE_NAMES
from contract.manifest import CONTRACT, Interface, Trees
from contract.refusal import Refusal

TRANSFORMS = {  # objective: how XGBoost turns margins into predictions (the macro TRANSFORM of library.c)
    "multi:softprob": "SOFTMAX",
    "multi:softmax": "SOFTMAX",
    "binary:logistic": "SIGMOID",
    "reg:squarederror": "IDENTITY",
}
SUPPORTED = f"supported are tree models (gbtree) with the objectives {', '.join(TRANSFORMS)}"


class Model(msgspec.Struct, frozen=True):
    """A booster that can be compiled.

    `document` is XGBoost's own JSON, parsed. `thresholds` maps a feature's index to its sorted distinct float32
    split thresholds.
    """

    data: bytes
    booster: xgboost.Booster
    document: dict[str, Any]
    interface: Interface
    trees: Trees
    thresholds: dict[int, npt.NDArray[np.float32]]


def read_model(path: Path) -> Model:
    """Read a JSON or UBJSON model file. Raises Refusal, naming the file, for anything else."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Refusal(f"cannot read the model {path}: {error.strerror}; train one first: make train") from error
    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(data))
        document = msgspec.json.decode(booster.save_raw("json"))
    except (xgboost.core.XGBoostError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(
            f"{path} is not an XGBoost model in JSON or UBJSON ({_reason(error)}); "
            "write it with Booster.save_model, or train again: make train"
        ) from error
    _refuse_unsupported(document["learner"], str(path))
    booster.set_param({"nthread": 1})
    return Model(data, booster, document, _interface(document["learner"]), _trees(document), _thresholds(document))


def _reason(error: Exception) -> str:
    """The telling line of an error; XGBoost appends a native stack trace."""
    lines = str(error).split("Stack trace:")[0].strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _refuse_unsupported(learner: dict[str, Any], source: str) -> None:
    found = _unsupported(learner)
    if found:
        raise Refusal(f"{source}: cannot compile {found}; {SUPPORTED}")


def _unsupported(learner: dict[str, Any]) -> str | None:
    kind = learner["gradient_booster"]["name"]
    if kind != "gbtree":
        return f"the booster {kind!r}"
    if learner["objective"]["name"] not in TRANSFORMS:
        return f"the objective {learner['objective']['name']!r}"
    if int(learner["learner_model_param"]["num_target"]) > 1:
        return "a model with several targets"
    trees = learner["gradient_booster"]["model"]["trees"]
    if not trees:
        return "a model without trees"
    if any(int(tree["tree_param"]["size_leaf_vector"]) > 1 for tree in trees):
        return "trees with several outputs (multi_strategy='multi_output_tree')"
    if any(any(tree["split_type"]) for tree in trees):
        return "categorical splits"
    return None


def _interface(learner: dict[str, Any]) -> Interface:
    """The contract's where the model has the contract's features; else the model's own, without derived features."""
    names = tuple(learner["feature_names"]) or tuple(
        f"feature_{i}" for i in range(int(learner["learner_model_param"]["num_feature"]))
    )
    outputs = max(1, int(learner["learner_model_param"]["num_class"]))
    if names == FEATURE_NAMES and outputs == len(CONTRACT.classes):
        return CONTRACT
    classes = tuple(str(i) for i in range(max(2, outputs)))
    return Interface(measurements=names, units=("",) * len(names), features=names, classes=classes)


def _trees(document: dict[str, Any]) -> Trees:
    trees = document["learner"]["gradient_booster"]["model"]["trees"]
    return Trees(
        objective=document["learner"]["objective"]["name"],
        count=len(trees),
        nodes=sum(len(tree["left_children"]) for tree in trees),
        depth=max(_depth(tree) for tree in trees),
        base_margins=_base_margins(document),
    )


def _depth(tree: dict[str, Any]) -> int:
    """Edges from the root to the deepest leaf."""
    level, depth = [0], -1
    while level:
        depth += 1
        level = [
            child
            for node in level
            for child in (tree["left_children"][node], tree["right_children"][node])
            if child != -1
        ]
    return depth


def _base_margins(document: dict[str, Any]) -> tuple[float, ...]:
    """What XGBoost's sums start from: its own answer when the trees are taken away."""
    learner = document["learner"]
    model = learner["gradient_booster"]["model"]
    bare_model = {
        **model,
        "trees": [],
        "tree_info": [],
        "iteration_indptr": [0],
        "gbtree_model_param": {**model["gbtree_model_param"], "num_trees": "0"},
    }
    bare = {
        **document,
        "learner": {**learner, "gradient_booster": {**learner["gradient_booster"], "model": bare_model}},
    }
    booster = xgboost.Booster()
    booster.load_model(bytearray(msgspec.json.encode(bare)))
    row = np.zeros((1, int(learner["learner_model_param"]["num_feature"])), dtype=np.float32)
    return tuple(booster.inplace_predict(row, predict_type="margin", validate_features=False).ravel().tolist())


def _thresholds(document: dict[str, Any]) -> dict[int, npt.NDArray[np.float32]]:
    found: dict[int, list[float]] = {}
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        for left, feature, condition in zip(
            tree["left_children"], tree["split_indices"], tree["split_conditions"], strict=True
        ):
            if left != -1:
                found.setdefault(feature, []).append(condition)
    return {feature: np.unique(np.array(values, dtype=np.float32)) for feature, values in sorted(found.items())}
