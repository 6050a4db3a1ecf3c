"""A trained booster that can be compiled, read from its file."""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import xgboost

from compile.reading import categories, dart, derived_contract, mlflow, vector_leaves
from compile.reading.document import INSTALLED, Document, dotted, read_document
from compile.reading.foreign.directories import mlflow_file
from compile.reading.objectives import SORTED_SINCE, has_quantiles, known_to_tl2cgen, outputs_of, transform_of
from compile.reading.rounds import BEST, Rounds, cut, rounds_of
from compile.reading.well_formed import levels, malformed, may_overflow
from contract.manifest import Trees
from contract.refusal import Refusal
from contract.schema import Contract, listed
from contract.uncertainty import Uncertainty


class CompilableModel(msgspec.Struct, frozen=True):
    """A booster that can be compiled.

    `data` are the bytes of its file. `document` is what XGBoost writes for it, with only the trees that are used,
    each of which adds to one output. `booster` has the same trees, as they were trained. `contract` was given or is
    derived from the file. `transform` is how margins become values (the macro TRANSFORM of library.c). `thresholds`
    maps a feature's index to its sorted distinct float32 split thresholds. `missing` is a value that means missing,
    as NaN does. `pass_rounds` means that XGBoost's wrapper would use other rounds by itself, so it must be given
    them. `for_tl2cgen` means that tl2cgen can write it: no tree had a weight or was split, and it knows the
    objective. `uncertainty` is what answers are judged by, or None if there is none. `notices` are for the person
    who compiles.
    """

    data: bytes
    booster: xgboost.Booster
    document: dict[str, Any]
    contract: Contract
    transform: str
    trees: Trees
    thresholds: dict[int, npt.NDArray[np.float32]]
    notices: tuple[str, ...] = ()
    missing: float | None = None
    pass_rounds: bool = False
    for_tl2cgen: bool = True
    uncertainty: Uncertainty | None = None


def read_model(
    path: Path, missing: float | None = None, all_trees: bool = False, contract: Contract | None = None
) -> CompilableModel:
    """Read a model: JSON, UBJSON or an MLflow directory. Raises Refusal, naming it, if it cannot be answered exactly.

    Without a contract, one is derived from the file.
    """
    file = read_document(mlflow_file(path) or path)
    content, plain = _plain(file.content, path)
    rounds = rounds_of(content, file.says_rounds, all_trees, str(path))
    document = cut(content, rounds)
    booster = xgboost.Booster({"nthread": 1})  # on a busy machine, threads wait for each other
    booster.load_model(bytearray(file.saved))
    if rounds.used < rounds.trained:
        booster = booster[: rounds.used]
    trees = _trees(document, rounds)
    contract, of_names = _contract(document["learner"], contract, path)
    _refuse_possible(missing, contract, path)
    if not np.isfinite(trees.base_margins).all():
        raise Refusal(f"{path}: its base score is a margin of {trees.base_margins[0]}; train with another base_score")
    if may_overflow(document, trees.base_margins):
        raise Refusal(f"{path}: its leaves may add up to more than a float32 holds; train with smaller ones")
    return CompilableModel(
        data=file.data,
        booster=booster,
        document=document,
        contract=contract,
        transform=transform_of(document["learner"]),
        trees=trees,
        thresholds=_thresholds(document),
        notices=(*of_names, *_of_version(file), *_of_rounds(rounds)),
        missing=missing,
        pass_rounds=all_trees or not file.says_rounds,
        for_tl2cgen=plain and _known_to_tl2cgen(document["learner"]),
    )


def _plain(content: dict[str, Any], path: Path) -> tuple[dict[str, Any], bool]:
    """Return the document, well formed, with trees that have no weight and add to one output each. Raises Refusal.

    Also return whether it was so already.
    """
    vectors = vector_leaves.has_vectors(content["learner"])
    found = dart.misfit(content) or (vector_leaves.misfit(content["learner"]) if vectors else None)
    plain = content if found else dart.without_weights(content)
    plain = vector_leaves.split(plain) if vectors and not found else plain
    found = found or malformed(plain["learner"])
    if found:
        raise Refusal(f"{path}: {found}")
    return plain, plain is content


def _contract(learner: dict[str, Any], given: Contract | None, path: Path) -> tuple[Contract, tuple[str, ...]]:
    """Return the contract, and notices. Raises Refusal if the model does not fit the contract that was given."""
    if given is None:
        signature, notices = _signature(learner, path)
        stem = path.name if path.is_dir() else path.stem
        return derived_contract.derived_contract(learner, stem, str(path), signature), notices
    found = derived_contract.misfit(learner, given)
    if found:
        raise Refusal(f"{path}: {found}")
    if derived_contract.names_of(learner):
        return given, ()
    count = len(given.features)
    return given, (
        f"the model names no features: its {count} are taken in the contract's order: {listed(given.features)}",
    )


def _signature(learner: dict[str, Any], path: Path) -> tuple[derived_contract.Signature | None, tuple[str, ...]]:
    """Return the inputs as MLflow describes them, if it does so of this model, and notices."""
    signature, notice = mlflow.signature(path) if path.is_dir() else (None, None)
    if signature is not None:
        count = int(learner["learner_model_param"]["num_feature"])
        notice = mlflow.misfit(signature, derived_contract.names_of(learner), count)
    return None if notice else signature, (notice,) if notice else ()


def _refuse_possible(missing: float | None, contract: Contract, path: Path) -> None:
    """Raise Refusal if an input with bounds may be `missing`: the service would explain it as a value."""
    if missing is None:
        return
    for each in contract.inputs:
        low, high = each.bounds
        if (each.minimum, each.maximum) != (None, None) and low <= missing <= high:
            raise Refusal(
                f"{path}: expected --missing to be no {each.name} from {low:g} to {high:g}, found {missing:g}; "
                "choose a value outside the bounds"
            )


def _known_to_tl2cgen(learner: dict[str, Any]) -> bool:
    """Return whether Treelite, which tl2cgen needs, reads such a model: an objective it knows, and no categories."""
    return known_to_tl2cgen(learner) and not categories.has_sets(learner) and not categories.stored(learner)


def _of_version(file: Document) -> tuple[str, ...]:
    if file.version == INSTALLED:
        return ()
    resorted = has_quantiles(file.content["learner"]) and file.version < SORTED_SINCE <= INSTALLED
    sorts = f"XGBoost {dotted(INSTALLED)} sorts the quantiles of each row, and the one that wrote the file does not"
    return (
        *((sorts,) if resorted else ()),
        f"written by XGBoost {dotted(file.version)}: compared with {dotted(INSTALLED)} here; the "
        "older one's own answers may differ in the last digits",
    )


def _of_rounds(rounds: Rounds) -> tuple[str, ...]:
    if rounds.used == rounds.trained:
        return ()
    return (
        f"stopped early: the best {rounds.used} of {rounds.trained} rounds answer ({BEST}), as in XGBoost's wrappers; "
        "--all-trees compiles every round, as Booster.predict answers",
    )


def _trees(document: dict[str, Any], rounds: Rounds) -> Trees:
    trees = document["learner"]["gradient_booster"]["model"]["trees"]
    shapes = [
        [len(level) for level in levels(tree["left_children"].tolist(), tree["right_children"].tolist())]
        for tree in trees
    ]
    return Trees(
        objective=document["learner"]["objective"]["name"],
        count=len(trees),
        nodes=sum(1 + sum(sizes) for sizes in shapes),
        depth=max(map(len, shapes)),
        base_margins=_base_margins(document),
        rounds=rounds.used,
        rounds_trained=rounds.trained,
    )


def _base_margins(document: dict[str, Any]) -> tuple[float, ...]:
    """Return the float32 values that XGBoost's sums start from.

    XGBoost itself computes them, with one leaf of -0 for each output: adding -0 changes no sum.
    """
    learner = document["learner"]
    booster = learner["gradient_booster"]
    outputs = outputs_of(learner)
    model = {
        **booster["model"],
        "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": str(outputs)},
        "iteration_indptr": [0, outputs],
        "tree_info": list(range(outputs)),
        "trees": [_leaf(booster["model"]["trees"][0], number) for number in range(outputs)],
    }
    empty = {**document, "learner": {**learner, "gradient_booster": {**booster, "model": model}}}
    oracle = xgboost.Booster({"nthread": 1})
    oracle.load_model(bytearray(json.dumps(empty, default=np.ndarray.tolist).encode()))
    row = np.zeros((1, int(learner["learner_model_param"]["num_feature"])), dtype=np.float32)
    margins = oracle.predict(xgboost.DMatrix(row, nthread=1), output_margin=True, validate_features=False)
    return tuple(margins.ravel().tolist())


def _leaf(tree: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a tree of one leaf of -0, with every key that the model's trees have."""
    lists = {key: value[:1] for key, value in tree.items() if isinstance(value, np.ndarray)}
    empty: dict[str, list[int]] = {key: [] for key, value in tree.items() if key.startswith("categories")}
    alone = {"left_children": [-1], "right_children": [-1], "split_conditions": [-0.0], "split_indices": [0]}
    parameters = {**tree["tree_param"], "num_nodes": "1", "num_deleted": "0"}
    alone |= {"default_left": [0], "split_type": [0]}
    return {**tree, **lists, **empty, **alone, "id": number, "tree_param": parameters}


def _thresholds(document: dict[str, Any]) -> dict[int, npt.NDArray[np.float32]]:
    trees = document["learner"]["gradient_booster"]["model"]["trees"]
    found = [_thresholds_of(tree) for tree in trees]
    features, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(features, kind="stable")
    names, starts = np.unique(features[order], return_index=True)
    return dict(zip(names.tolist(), map(np.unique, np.split(values[order], starts[1:])), strict=False))


def _thresholds_of(tree: dict[str, Any]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Return features and thresholds of a tree. Those of a set are where a sequence of its codes begins and ends."""
    numeric = (tree["left_children"] != -1) & ~categories.categorical(tree)
    features, values = [tree["split_indices"][numeric]], [tree["split_conditions"][numeric]]
    for node, codes in categories.sets_of(tree).items():
        ends = categories.ends_of(codes)
        features.append(np.full(len(ends), tree["split_indices"][node]))
        values.append(np.array(ends, dtype=np.float32))
    return np.concatenate(features).astype(np.int32), np.concatenate(values).astype(np.float32)
