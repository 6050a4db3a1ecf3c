"""The trees of a model, for who explains its answers: the content of a bundle's `trees.json`."""

import msgspec

TREES_FILE = "trees.json"


class Tree(msgspec.Struct, frozen=True):
    """Nodes by number, the root is 0. A row goes left where its feature is below the node's value.

    `left` is -1 for a leaf, whose value is what it adds to the output's margin. Values are float32, as training left
    them; `cover` is the sum of the Hessian over the training rows that came by.
    """

    output: int
    left: tuple[int, ...]
    right: tuple[int, ...]
    feature: tuple[int, ...]
    value: tuple[float, ...]
    cover: tuple[float, ...]


class Forest(msgspec.Struct, frozen=True):
    """`base_margins` are what every sum starts from, one per output."""

    model_sha256: str
    base_margins: tuple[float, ...]
    trees: tuple[Tree, ...]
