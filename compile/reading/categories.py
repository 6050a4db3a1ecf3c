"""Categories in a model: the sets that its trees split on, and the categories that XGBoost 3.1 and newer store.

A categorical split has a set of codes. A row goes right if its code, without its fraction, is in the set, and left if
it is not, or negative, or too large. A missing value goes where `default_left` says. The trees need no more; the stored
categories, all texts or all integers, say which code each has: their place in the list.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

MOST_CODES = 1 << 24  # XGBoost takes a code from here on for none
MOST_WORDS = 1 << 24  # 32 codes each, of all sets of a model, in the library
Codes = tuple[int, ...]
Categories = tuple[str, ...] | tuple[int, ...]


def categorical(tree: dict[str, Any]) -> npt.NDArray[np.bool_]:
    """Return which nodes of a tree split on categories."""
    kinds = np.asarray(tree.get("split_type", ()), dtype=np.int32)
    inner: npt.NDArray[np.bool_] = np.asarray(tree["left_children"]) != -1
    return inner & (kinds == 1) if len(kinds) == len(inner) else np.zeros_like(inner)


def sets_of(tree: dict[str, Any]) -> dict[int, Codes]:
    """Return, for each node that splits on categories, the codes that go right."""
    wanted = categorical(tree)
    if not wanted.any():
        return {}
    codes = np.asarray(tree["categories"]).tolist()
    places = (np.asarray(tree[f"categories_{name}"]).tolist() for name in ("nodes", "segments", "sizes"))
    return {node: tuple(codes[start : start + size]) for node, start, size in zip(*places, strict=True) if wanted[node]}


def ends_of(codes: Codes) -> list[int]:
    """Return where each sequence of consecutive codes begins, and the first code after it, in ascending order."""
    return sorted(set(codes) ^ {code + 1 for code in codes})


def has_sets(learner: dict[str, Any]) -> bool:
    """Return whether a tree splits on categories."""
    return any(categorical(tree).any() for tree in learner["gradient_booster"]["model"]["trees"])


def malformed(tree: dict[str, Any]) -> str | None:
    """Return in words what is wrong with the sets of a tree, or None."""
    kinds, nodes = np.asarray(tree.get("split_type", ())), len(tree["left_children"])
    if len(kinds) not in (0, nodes) or not np.isin(kinds, (0, 1)).all():
        return "has splits that are neither of numbers nor of categories"
    if not categorical(tree).any():
        return None
    named, starts, sizes = (np.asarray(tree[f"categories_{name}"]) for name in ("nodes", "segments", "sizes"))
    codes = np.asarray(tree["categories"])
    if not len(named) == len(starts) == len(sizes) == len(np.unique(named)):
        return "has sets of categories that do not belong to its nodes"
    if not np.isin(np.flatnonzero(categorical(tree)), named).all() or (named < 0).any() or (named >= nodes).any():
        return "has sets of categories that do not belong to its nodes"
    if (starts < 0).any() or (sizes < 0).any() or (starts.astype(np.int64) + sizes > len(codes)).any():
        return "has sets of categories beyond its list"
    if len(codes) and (codes.min() < 0 or codes.max() >= MOST_CODES):
        return f"has a category that is not from 0 to {MOST_CODES - 1:,}"
    return None


def too_large(learner: dict[str, Any]) -> str | None:
    """Return in words that the sets of a well-formed model would make its library too large, or None."""
    sets = [codes for tree in learner["gradient_booster"]["model"]["trees"] for codes in sets_of(tree).values()]
    largest = max((max(codes, default=0) for codes in sets), default=0)
    if len(sets) * (largest // 32 + 1) > MOST_WORDS:
        return (
            f"the model splits {len(sets):,} times on categories up to the code {largest:,}, which makes a library too "
            "large; train with consecutive codes, fewer categories or fewer trees"
        )
    return None


def malformed_lists(learner: dict[str, Any]) -> str | None:
    """Return in words what is wrong with the stored categories, or None."""
    features = int(learner["learner_model_param"]["num_feature"])
    try:
        found = stored(learner)
    except (KeyError, ValueError) as error:
        return f"the model stores categories that are no texts in UTF-8 and no integers ({error})"
    number = next((number for number, each in found.items() if len(set(each)) < len(each)), None)
    if number is not None:
        return f"the model stores a category of feature {number} twice"
    return (
        "the model stores categories of features that it does not have" if max(found, default=0) >= features else None
    )


def stored(learner: dict[str, Any]) -> dict[int, Categories]:
    """Return the categories in the file by the number of their feature. Raises ValueError if they are no texts."""
    entries = learner["gradient_booster"]["model"].get("cats", {}).get("enc", ())
    found = {number: _categories(entry) for number, entry in enumerate(entries)}
    return {number: categories for number, categories in found.items() if categories}


def _categories(entry: dict[str, Any]) -> Categories:
    values = np.asarray(entry["values"])
    if "offsets" not in entry:
        return tuple(map(int, values.tolist()))
    starts, text = np.asarray(entry["offsets"]).tolist(), values.astype(np.int8).tobytes()
    return tuple(text[start:end].decode() for start, end in pairwise(starts))
