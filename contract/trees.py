"""The trees of a model, for explanations of its answers: the content of a bundle's `trees.json`."""

import msgspec

TREES_FILE = "trees.json"


class Tree(msgspec.Struct, frozen=True, omit_defaults=True):
    """One tree as arrays by node number. The root is node 0. A row goes left if its feature is below the node's value.

    `left` is -1 for a leaf. A leaf's value is added to the output's margin. Values are float32, unchanged from
    training. `cover` is the sum of the Hessian over the training rows that reached the node. A missing value goes left
    where `missing_left` is true; bundles of format 2 do not say. A node in `categories` splits on a set of codes
    instead of a value: a row goes right if its code, without its fraction, is in the set.
    """

    output: int
    left: tuple[int, ...]
    right: tuple[int, ...]
    feature: tuple[int, ...]
    value: tuple[float, ...]
    cover: tuple[float, ...]
    missing_left: tuple[bool, ...] = ()
    categories: dict[int, tuple[int, ...]] = {}  # msgspec copies it


class Forest(msgspec.Struct, frozen=True):
    """All trees. `base_margins` are float32 values, one for each output, that every sum starts from."""

    model_sha256: str
    base_margins: tuple[float, ...]
    trees: tuple[Tree, ...]
