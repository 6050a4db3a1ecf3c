"""What XGBoost's model files contain, as far as we understand it, and what saving a file again loses.

XGBoost ignores keys that it does not know. Since 3.3 it writes DART as `gbtree` with `weight_drop`, and 3.2.0 reads
that as plain gbtree without a warning. So every key of the file is looked up here, and its value is compared with what
the installed XGBoost writes after reading the file.
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from compile.reading.objectives import ALPHAS

MODEL = "learner.gradient_booster.model"
TREE = f"{MODEL}.trees[]"

# These values decide the answers.
DECISIVE = frozenset(
    {
        "learner.attributes",  # best_iteration is among them
        "learner.feature_names",
        "learner.feature_types",
        "learner.gradient_booster.name",
        "learner.learner_model_param.base_score",
        "learner.learner_model_param.num_class",
        "learner.learner_model_param.num_feature",
        "learner.learner_model_param.num_target",
        "learner.objective.name",
        *(f"{MODEL}.cats.{name}" for name in ("enc", "feature_segments", "sorted_idx")),
        *(f"{MODEL}.cats.enc[].{name}" for name in ("offsets", "type", "values")),
        *(f"{MODEL}.gbtree_model_param.{name}" for name in ("num_parallel_tree", "num_trees")),
        *(f"{MODEL}.{name}" for name in ("iteration_indptr", "tree_info", "weight_drop")),
        *(f"{TREE}.categories{name}" for name in ("", "_nodes", "_segments", "_sizes")),
        *(f"{TREE}.{name}" for name in ("default_left", "left_children", "right_children")),
        *(f"{TREE}.split_{name}" for name in ("conditions", "indices", "type")),
        *(f"{TREE}.tree_param.{name}" for name in ("num_feature", "num_nodes", "size_leaf_vector")),
        f"{TREE}.leaf_weights",  # of trees with a number for each output
        *("learner.objective." + ".".join(place) for place in ALPHAS.values()),  # the names of the outputs
        f"{TREE}.sum_hessian",  # the covers of explanations
    }
)

# The parameters of objectives, by the name of their group. They say how a loss is computed.
OBJECTIVE_PARAMETERS = (
    *(f"aft_loss_param.aft_loss_distribution{name}" for name in ("", "_scale")),
    *(f"lambda_rank_param.{name}" for name in ("fix_list_weight", "num_pairsample")),  # until 1.7
    *(f"lambdarank_param.lambdarank_{name}" for name in ("bias_norm", "normalization", "num_pair_per_sample")),
    *(f"lambdarank_param.lambdarank_{name}" for name in ("pair_method", "score_normalization", "unbiased")),
    *("lambdarank_param.ndcg_exp_gain", "ti+", "tj-"),  # the last two: the bias of each position, if it is unbiased
    "poisson_regression_param.max_delta_step",
    "pseudo_huber_param.huber_slope",
    "reg_loss_param.scale_pos_weight",
    "softmax_multiclass_param.num_class",
    "tweedie_regression_param.tweedie_variance_power",
)

# These values describe the training and decide no answer. Saving again may drop or change them.
OF_TRAINING = frozenset(
    {
        "learner.learner_model_param.boost_from_average",
        *(f"learner.objective.{name}" for name in OBJECTIVE_PARAMETERS),
        *(f"{TREE}.{name}" for name in ("base_weights", "id", "loss_changes", "parents")),
        f"{TREE}.leaf_child_counts",
        f"{TREE}.tree_param.num_deleted",
        f"{MODEL}.gbtree_model_param.size_leaf_vector",  # until 1.7; compile/reading/unsupported.py checks it
        "version",
    }
)

_INDEX = re.compile(r"\[\d+\]")


def not_understood(document: dict[str, Any]) -> str | None:
    """Return the path of the first key of the file that is in neither table, or None."""
    known = DECISIVE | OF_TRAINING
    return next((path for path, _ in leaves(document) if _INDEX.sub("[]", path) not in known), None)


def lost(document: dict[str, Any], saved: dict[str, Any]) -> str | None:
    """Return in words the first decisive value of the file that is absent from `saved` or differs there, or None.

    `saved` is the same model as the installed XGBoost writes it after reading.
    """
    again = dict(leaves(saved))
    for path, value in leaves(document):
        if _INDEX.sub("[]", path) not in DECISIVE:
            continue
        if path not in again:
            return f"{path}, which is not there any more"
        if not _same(value, again[path]):
            return f"{path}, which is {_short(value)} and becomes {_short(again[path])}"
    return None


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every path and value that contains no other object. A user's attributes are one value."""
    if isinstance(value, dict) and value and path != "learner.attributes":
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            yield from leaves(item, f"{path}[{number}]")
    else:
        yield path, value


def _same(value: Any, again: Any) -> bool:
    if isinstance(value, str) and isinstance(again, str):
        return value == again or _same_numbers(_numbers(value), _numbers(again))
    if isinstance(value, np.ndarray) or isinstance(again, np.ndarray):
        return _same_array(np.asarray(value), np.asarray(again))
    return bool(value == again)


def _same_array(value: npt.NDArray[Any], again: npt.NDArray[Any]) -> bool:
    """Return whether two arrays are equal. Numbers that XGBoost keeps as float32 are compared as float32.

    Truth values equal 0 and 1.
    """
    if value.shape != again.shape or value.dtype.kind not in "biuf":
        return value.shape == again.shape and value.size == 0
    if again.dtype.kind != "f":
        return bool((value == again).all())
    with np.errstate(over="ignore"):
        return np.array_equal(value.astype(np.float32), again.astype(np.float32), equal_nan=True)


def _numbers(text: str) -> npt.NDArray[np.float32] | None:
    """Return the numbers of a parameter's text, such as `5E-1` or `[1E0,2E0]`, or None for another text."""
    try:
        with np.errstate(over="ignore"):
            return np.array(text.strip("[]").split(","), dtype=np.float64).astype(np.float32)
    except ValueError:
        return None


def _same_numbers(value: npt.NDArray[np.float32] | None, again: npt.NDArray[np.float32] | None) -> bool:
    """Return whether the numbers are equal. One number in the file may become one for each output.

    Until 3.1 there was one base score.
    """
    if value is None or again is None or len(value) not in (1, len(again)):
        return False
    return bool((value == again).all())


def _short(value: Any) -> str:
    text = repr(value.tolist() if isinstance(value, np.ndarray) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."
