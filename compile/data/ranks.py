"""The trees for compile/native/ranks.c: each value becomes its rank among its column's thresholds, one byte.

All trees are made perfect, with the depth of the deepest. rank_data.h says what each array holds.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from compile.data.arrays import ALIGNED, array, byte_array
from compile.data.planes import Column, Comparison, Planes, Tree
from compile.expression import literal

LANES = 32  # trees whose upper levels are walked together
MOST_DEPTH = 8  # edges
MOST_COLUMNS = 128  # of ranks; look-ups in more take longer than the walk
MOST_IN_COLUMN = 255  # thresholds, as ranks are bytes
SLICE = 240  # thresholds of a part of a column that has more; a multiple of 16
PADDING = 4  # all trees together may grow by this factor to become perfect
COMPARED = 16  # thresholds that are compared at once
NEVER = 255  # no rank is above it: every row goes left

# By the levels of nodes in a record. Half of the head are their columns, half their ranks.
HEAD_BYTES = (0, 4, 8, 16)
RECORD_BYTES = (4, 16, 32, 64)

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


Group = tuple[int, list[Tree]]  # an output, and at most LANES trees


def grouped(trees: list[Tree], outputs: int) -> list[Group]:
    """Return the trees in the order in which XGBoost adds them, in groups of one output."""
    groups = []
    for output in range(outputs):
        own = [tree for tree in trees if tree.output == output]
        groups += [(output, own[i : i + LANES]) for i in range(0, len(own), LANES)]
    return groups


def rank_macros(ranks: Ranks, trees: list[Tree], outputs: int) -> list[str]:
    """Return the macros for rank_data.h."""
    upper = UPPER[ranks.depth]
    return [
        f"#define RANK_COLUMNS {len(ranks.columns)}",
        f"#define RANK_UPPER {upper} /* levels of nodes that trees walk together */",
        f"#define RANK_BELOW {ranks.depth - upper} /* levels of nodes in a record */",
        f"#define RANK_GROUP_COUNT {len(grouped(trees, outputs))}",
    ]


def rank_arrays(ranks: Ranks, trees: list[Tree], outputs: int) -> Iterator[str]:
    """Yield the arrays of rank_data.h."""
    groups = grouped(trees, outputs)
    upper, records = bytearray(), bytearray()
    for _, group in groups:
        perfect = [PerfectTree.of(tree, ranks) for tree in group]
        upper += _upper_nodes(perfect, UPPER[ranks.depth])
        for tree in perfect:
            records += b"".join(_records(tree, ranks.depth))
    yield array("struct rank_group", "RANK_GROUP", (f"{{{len(group)}, {output}}}" for output, group in groups))
    yield from _columns(ranks.columns)
    yield byte_array("RANK_UPPER_NODES", bytes(upper))
    yield byte_array("RANK_RECORDS", bytes(records))


def _columns(columns: list[RankColumn]) -> Iterator[str]:
    rows: list[str] = []
    thresholds: list[str] = []
    firsts: list[str] = []
    for column in columns:
        rows.append(f"{{{column.feature}, {column.missing_left}, {len(thresholds)}}}")
        values = [literal(threshold) for threshold in column.thresholds]
        thresholds += values + ["NAN"] * (-len(values) % COMPARED)
        firsts += values[COMPARED::COMPARED] + ["NAN"] * (COMPARED - len(values[COMPARED::COMPARED]))
    yield array("struct rank_column", "RANK_COLUMN", rows)
    yield array("float", "RANK_THRESHOLDS", thresholds, ALIGNED)
    yield array("float", "RANK_FIRSTS", firsts, ALIGNED)


def _upper_nodes(trees: list[PerfectTree], levels: int) -> bytes:
    """Return the upper levels of a group: for each node the columns of LANES trees, then the ranks."""
    data = bytearray()
    for node in range((1 << levels) - 1):
        data += bytes(tree.columns[node] for tree in trees).ljust(LANES, b"\0")
        data += bytes(tree.ranks[node] for tree in trees).ljust(LANES, bytes([NEVER]))
    return bytes(data)


def _records(tree: PerfectTree, depth: int) -> Iterator[bytes]:
    """Yield the records of a tree from left to right: the nodes below the upper levels, then their leaves."""
    upper = UPPER[depth]
    below = depth - upper
    leaves = 1 << below
    for number in range(1 << upper):
        roots = [(1 << (upper + level)) - 1 + (number << level) for level in range(below)]
        places = [root + i for level, root in enumerate(roots) for i in range(1 << level)]
        heads = (bytes(kind[place] for place in places) for kind in (tree.columns, tree.ranks))
        head = b"".join(half.ljust(HEAD_BYTES[below] // 2, b"\0") for half in heads)
        values = struct.pack(f"={leaves}I", *tree.leaves[number * leaves : (number + 1) * leaves])
        yield (head + values).ljust(RECORD_BYTES[below], b"\0")
