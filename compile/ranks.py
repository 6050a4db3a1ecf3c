"""The trees for compile/native/ranks.c: each value becomes its rank among its column's thresholds, one byte.

All trees are made perfect, with the depth of the deepest. `RANKS_*` in model_data.h say what each array holds.
"""

from collections.abc import Iterator
from typing import NamedTuple

from compile.planes import Column, Comparison, Planes, Tree

LANES = 32  # trees whose upper levels are walked together
MOST_DEPTH = 8  # edges
MOST_COLUMNS = 128  # of ranks; look-ups in more take longer than the walk
MOST_IN_COLUMN = 255  # thresholds, as ranks are bytes
SLICE = 240  # thresholds of a part of a column that has more; a multiple of 16
PADDING = 4  # all trees together may grow by this factor to become perfect
NEVER = 255  # no rank is above it: every row goes left

# By depth: the levels that are walked together, and those that a record holds.
UPPER = (0, 1, 2, 2, 3, 3, 4, 4, 5)


class RankColumn(NamedTuple):
    """Up to MOST_IN_COLUMN thresholds of a feature, ascending, that send missing values the same way."""

    feature: int
    missing_left: int
    thresholds: list[float]


class Ranks(NamedTuple):
    """Columns of ranks, and for each comparison its column and how many thresholds there are below it."""

    columns: list[RankColumn]
    places: dict[Comparison, tuple[int, int]]
    depth: int

    @classmethod
    def of(cls, trees: list[Tree]) -> "Ranks | None":
        """Return the ranks of a model, or None if its trees are too deep, too sparse, or split on sets or too much."""
        depth = max(tree.depth for tree in trees)
        nodes = sum(len(tree.left) for tree in trees)
        if depth == 0 or depth > MOST_DEPTH or (2 << depth) * len(trees) > PADDING * (nodes + len(trees)):
            return None
        if any(tree.codes for tree in trees):
            return None
        columns: list[RankColumn] = []
        places: dict[Comparison, tuple[int, int]] = {}
        for column in Planes.of(trees).columns:
            for part in _parts(column):
                places |= {comparison: (len(columns), i) for i, comparison in enumerate(part)}
                thresholds = [comparison.threshold for comparison in part]
                columns.append(RankColumn(part[0].feature, part[0].missing_left, thresholds))
        return cls(columns, places, depth) if len(columns) <= MOST_COLUMNS else None


def _parts(column: Column) -> Iterator[list[Comparison]]:
    comparisons = column.comparisons
    size = len(comparisons) if len(comparisons) <= MOST_IN_COLUMN else SLICE
    for start in range(0, len(comparisons), size):
        yield comparisons[start : start + size]


class PerfectTree(NamedTuple):
    """A tree in which every path has the same length. Nodes are in breadth-first order: 2 i + 1 is left below i."""

    columns: list[int]
    ranks: list[int]
    leaves: list[int]  # bits of float32, from left to right

    @classmethod
    def of(cls, tree: Tree, ranks: Ranks) -> "PerfectTree":
        """Make a tree perfect: a leaf that is too high is repeated below nodes that send every row left."""
        inner = (1 << ranks.depth) - 1
        made = cls([0] * inner, [NEVER] * inner, [0] * (inner + 1))

        def fill(node: int, at: int) -> None:
            left = tree.left[node]
            if at >= inner:
                made.leaves[at - inner] = tree.values[node]
            elif left == -1:
                fill(node, 2 * at + 1)
                fill(node, 2 * at + 2)
            else:
                split = tree.split(node)
                assert isinstance(split, Comparison)
                made.columns[at], made.ranks[at] = ranks.places[split]
                fill(left, 2 * at + 1)
                fill(left + 1, 2 * at + 2)

        fill(0, 0)
        return made


def grouped(trees: list[Tree], outputs: int) -> list[tuple[int, list[Tree]]]:
    """Return groups of at most LANES trees of one output, in the order in which XGBoost adds them, and the output."""
    groups = []
    for output in range(outputs):
        own = [tree for tree in trees if tree.output == output]
        groups += [(output, own[i : i + LANES]) for i in range(0, len(own), LANES)]
    return groups


def upper_bytes(trees: list[PerfectTree], levels: int) -> bytes:
    """Return columns and ranks of the upper levels of a group: for each node, first LANES columns, then ranks."""
    data = bytearray()
    for node in range((1 << levels) - 1):
        for lanes, nothing in (([tree.columns[node] for tree in trees], 0), ([tree.ranks[node] for tree in trees], NEVER)):
            data += bytes(lanes + [nothing] * (LANES - len(trees)))
    return bytes(data)


def record_bytes(tree: PerfectTree, depth: int, levels: int) -> Iterator[bytes]:
    """Yield the records of a tree, from left to right: the nodes below the upper levels, and their leaves."""
    below = depth - levels
    size, nodes = RECORD_BYTES[below], (1 << below) - 1
    head = HEAD_BYTES[below]
    for number in range(1 << levels):
        places = []
        for level in range(below):
            first = (1 << (levels + level)) - 1 + (number << level)
            places += range(first, first + (1 << level))
        record = bytearray(size)
        record[:nodes] = bytes(tree.columns[place] for place in places)
        record[head // 2 : head // 2 + nodes] = bytes(tree.ranks[place] for place in places)
        for i in range(1 << below):
            record[head + 4 * i : head + 4 * i + 4] = tree.leaves[(number << below) + i].to_bytes(4, "little")
        yield bytes(record)


HEAD_BYTES = (0, 4, 8, 16)  # by the levels of a record: columns, then ranks, each padded
RECORD_BYTES = (4, 16, 32, 64)
