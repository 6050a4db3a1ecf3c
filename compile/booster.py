"""Reading a trained booster, and refusing by name what the compiled library could not answer exactly."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import xgboost

from compile.canonical import MEND, canonical_json
from contract.features import FEATURE_NAMES
from contract.manifest import CONTRACT, Interface, Trees
from contract.reference import Reference
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
    split thresholds. `reference` is what its answers are judged by, where training wrote that.
    """

    data: bytes
    booster: xgboost.Booster
    document: dict[str, Any]
    interface: Interface
    trees: Trees
    thresholds: dict[int, npt.NDArray[np.float32]]
    reference: Reference | None = None


def read_model(path: Path) -> Model:
    """Read a JSON or UBJSON model file. Raises Refusal, naming the file, for anything else."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Refusal(f"cannot read the model {path}: {error.strerror}; train one first: make train") from error
    document = msgspec.json.decode(canonical_json(path))
    _refuse_unsupported(document["learner"], str(path))
    _refuse_malformed(document["learner"], str(path))
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(msgspec.json.encode(document)))
    return Model(data, booster, document, _interface(document["learner"]), _trees(document), _thresholds(document))


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


def _refuse_malformed(learner: dict[str, Any], source: str) -> None:
    """XGBoost follows the links of a tree, and its features, unchecked."""
    features = int(learner["learner_model_param"]["num_feature"])
    for number, tree in enumerate(learner["gradient_booster"]["model"]["trees"]):
        lists = [tree[name] for name in ("left_children", "right_children", "split_indices", "split_conditions")]
        if len({len(entries) for entries in lists}) != 1 or not _is_tree(lists[0], lists[1]):
            raise Refusal(f"{source}: the links of tree {number} do not make a tree; {MEND}")
        if any(left != -1 and not 0 <= index < features for left, index in zip(lists[0], lists[2], strict=True)):
            raise Refusal(f"{source}: tree {number} splits on a feature that the model does not have; {MEND}")


def _is_tree(left: list[int], right: list[int]) -> bool:
    """From the root every link leads to another node, and to no node twice."""
    seen = {0}
    for level in _levels(left, right):
        for child in level:
            if child in seen or not 0 < child < len(left):
                return False
            seen.add(child)
    return True


def _levels(left: list[int], right: list[int]) -> Iterator[list[int]]:
    """The children of the root, their children, and so on; nodes that pruning has cut off are not among them."""
    level = [0]
    while level := [child for node in level if left[node] != -1 for child in (left[node], right[node])]:
        yield level


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
    shapes = [list(_levels(tree["left_children"], tree["right_children"])) for tree in trees]
    return Trees(
        objective=document["learner"]["objective"]["name"],
        count=len(trees),
        nodes=sum(1 + sum(map(len, levels)) for levels in shapes),
        depth=max(map(len, shapes)),
        base_margins=_base_margins(document),
    )


def _base_margins(document: dict[str, Any]) -> tuple[float, ...]:
    """What XGBoost's sums start from: its own answer when every leaf is -0, which changes no sum."""
    learner = document["learner"]
    booster = learner["gradient_booster"]
    model = {**booster["model"], "trees": [_without_leaves(tree) for tree in booster["model"]["trees"]]}
    empty = {**document, "learner": {**learner, "gradient_booster": {**booster, "model": model}}}
    oracle = xgboost.Booster({"nthread": 1})
    oracle.load_model(bytearray(msgspec.json.encode(empty)))
    row = np.zeros((1, int(learner["learner_model_param"]["num_feature"])), dtype=np.float32)
    return tuple(oracle.inplace_predict(row, predict_type="margin", validate_features=False).ravel().tolist())


def _without_leaves(tree: dict[str, Any]) -> dict[str, Any]:
    conditions = zip(tree["left_children"], tree["split_conditions"], strict=True)
    return {**tree, "split_conditions": [-0.0 if left == -1 else condition for left, condition in conditions]}


def _thresholds(document: dict[str, Any]) -> dict[int, npt.NDArray[np.float32]]:
    found: dict[int, list[float]] = {}
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        for left, feature, condition in zip(
            tree["left_children"], tree["split_indices"], tree["split_conditions"], strict=True
        ):
            if left != -1:
                found.setdefault(feature, []).append(condition)
    return {feature: np.unique(np.array(values, dtype=np.float32)) for feature, values in sorted(found.items())}
