"""The leaves of a model's trees, each with the conditions on its path."""

from collections.abc import Iterator
from itertools import chain
from math import floor, inf
from typing import NamedTuple

import msgspec

from contract.trees import Forest, Tree

KEPT_LEAVES = 100_000  # a leaf takes some 500 bytes: those of a larger forest are made anew each time they are needed
MOST_LEAVES = 500_000  # of a model that is explained: some ten seconds of work, in which other explanations wait


class TooMuchWork(ValueError):
    """A model whose explanations take longer, or are larger, than a service can give."""

    wanted = "explanations"
    instead = "POST /predict answers it"


class Range(NamedTuple):
    """The condition of a path on one feature: low <= value < high. `share` of the training rows, 0 to 1, met it.

    `missing` is whether a missing value meets it. A path with splits on categories also has a condition on the code,
    which is the value without its fraction: it must be in `among`, if there is one, and not in `never`.
    """

    feature: int
    low: float
    high: float
    share: float
    missing: bool
    among: frozenset[int] | None = None
    never: frozenset[int] = frozenset()

    def holds(self, value: float) -> bool:
        """Return whether a value meets the condition. NaN is missing."""
        if not self.low <= value < self.high:
            return self.missing and value != value
        return (self.among is None and not self.never) or self._admits(value, value)

    def meets(self, low: float, high: float) -> bool:
        """Return whether some value from `low` to `high` may meet the condition. Two NaN are a missing value."""
        if low != low:
            return self.missing
        return high >= self.low and low < self.high and self._admits(low, high)

    def _admits(self, low: float, high: float) -> bool:
        """Return whether the condition on codes admits some value from `low` to `high`."""
        if self.among is not None:
            return any(low < code + 1 and high >= code for code in self.among - self.never)
        if low < 0 or high - low > len(self.never):
            return True
        return any(code not in self.never for code in range(floor(low), floor(high) + 1))

    def branch(self, tree: Tree, node: int, right: bool, passed: float) -> "Range":
        """Return the condition of the path that goes on to the left or to the right of a node."""
        takes_missing = right != (not tree.missing_left or tree.missing_left[node])
        found = self._replace(share=passed, missing=self.missing and takes_missing)
        if node in tree.categories:
            codes = frozenset(tree.categories[node])
            if not right:
                return found._replace(never=self.never | codes)
            return found._replace(among=codes if self.among is None else self.among & codes)
        threshold = tree.value[node]
        return found._replace(low=max(self.low, threshold)) if right else found._replace(high=min(self.high, threshold))


class Leaf(NamedTuple):
    """A leaf of a tree that adds `value` to margin `output`. A row reaches it if it is within all `ranges`.

    There is one range for each feature on the leaf's path.
    """

    output: int
    value: float
    ranges: tuple[Range, ...]


class Paths:
    """All leaves of a forest, tree by tree. Lifetime: the model's."""

    def __init__(self, forest: Forest) -> None:
        self.forest = forest
        self.leaves = sum(tree.left.count(-1) for tree in forest.trees)
        self._kept: list[tuple[Leaf, ...]] = []

    def by_tree(self) -> Iterator[tuple[Leaf, ...]]:
        """Yield the leaves of each tree."""
        if self.leaves > KEPT_LEAVES:
            return (tuple(leaves_of(tree)) for tree in self.forest.trees)
        self._kept = self._kept or [tuple(leaves_of(tree)) for tree in self.forest.trees]
        return iter(self._kept)

    def __iter__(self) -> Iterator[Leaf]:
        """Yield all leaves."""
        return chain.from_iterable(self.by_tree())


class _Shape(msgspec.Struct):
    """The part of a tree that says how many leaves it has."""

    left: tuple[int, ...]


class _Undecoded(msgspec.Struct):
    trees: tuple[msgspec.Raw, ...]


_decode_trees = msgspec.json.Decoder(_Undecoded).decode
_decode_shape = msgspec.json.Decoder(_Shape).decode


def count_leaves(trees: bytes) -> int:
    """Return the number of leaves in the content of trees.json. One tree at a time is in memory."""
    return sum(_decode_shape(tree).left.count(-1) for tree in _decode_trees(trees).trees)


def check_work(what: str, found: int, most: int, error: type[TooMuchWork] = TooMuchWork) -> None:
    """Raise the error if there is more than `most`."""
    if found > most:
        raise error(f"{what}: expected at most {most:,}, found {found:,}")


def leaves_of(tree: Tree) -> Iterator[Leaf]:
    """Yield all leaves of `tree`, each with the ranges of its path."""
    paths: list[tuple[int, dict[int, Range]]] = [(0, {})]
    while paths:
        node, path = paths.pop()
        if tree.left[node] == -1:
            yield Leaf(tree.output, tree.value[node], tuple(path.values()))
            continue
        feature = tree.feature[node]
        so_far = path.get(feature, Range(feature, -inf, inf, 1.0, True))
        for right, child in ((False, tree.left[node]), (True, tree.right[node])):
            passed = so_far.share * tree.cover[child] / tree.cover[node] if tree.cover[node] else 0.0
            paths.append((child, {**path, feature: so_far.branch(tree, node, right, passed)}))
