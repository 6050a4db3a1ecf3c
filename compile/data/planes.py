"""The planes of a model: which comparisons and sets of categories its trees split on, each distinct one once.

A sequence of consecutive codes in a set is what two thresholds enclose. So the plane of a set is the exclusive or of
the planes of all codes where a sequence begins or ends. A missing value is +infinity in the columns that send it right;
a set that does so has a sequence that begins there.
"""

import struct
from collections.abc import Iterable, Iterator
from itertools import groupby
from math import inf
from typing import NamedTuple

from compile.reading.categories import Codes, ends_of


class Comparison(NamedTuple):
    """One split: a row goes right unless feature < threshold. If the feature is missing, `missing_left` decides."""

    feature: int
    missing_left: int
    threshold: float  # a float32


class CodeSet(NamedTuple):
    """One split: a row goes right if its code is in the set. If the feature is missing, `missing_left` decides."""

    feature: int
    missing_left: int
    codes: Codes

    def ends(self) -> Iterator[Comparison]:
        """Yield the comparisons whose planes make the plane of the set."""
        for code in (*map(float, ends_of(self.codes)), *(() if self.missing_left else (inf,))):
            yield Comparison(self.feature, self.missing_left, code)


Split = Comparison | CodeSet


class Column(NamedTuple):
    """The comparisons of one feature that send missing values the same way. Each has a plane after `first_plane`."""

    comparisons: list[Comparison]
    first_plane: int


class Tree(NamedTuple):
    """One tree in breadth-first order. `left[i]` is the position of a left child, -1 for a leaf.

    The right child is next. `values` are bits of float32: an inner node's threshold, or a leaf's value. `codes` are the
    sets of the nodes that split on categories.
    """

    left: list[int]
    feature: list[int]
    missing_left: list[int]
    values: list[int]
    depth: int
    output: int
    codes: dict[int, Codes]

    def split(self, node: int) -> Split:
        """Return what an inner node splits on."""
        if node in self.codes:
            return CodeSet(self.feature[node], self.missing_left[node], self.codes[node])
        threshold = struct.unpack("=f", struct.pack("=I", self.values[node]))[0]
        return Comparison(self.feature[node], self.missing_left[node], threshold + 0.0)  # -0 becomes +0

    def splits(self) -> Iterator[Split]:
        """Yield what the inner nodes split on."""
        return (self.split(node) for node, left in enumerate(self.left) if left != -1)


class Planes(NamedTuple):
    """All planes. The first is that of no split: every row goes left. Then follow the columns, then the sets."""

    columns: list[Column]
    sets: list[CodeSet]
    numbers: dict[Split, int]  # of the plane of each split
    total: int

    @classmethod
    def of(cls, trees: Iterable[Tree]) -> "Planes":
        """Return the planes of trees: those of distinct comparisons, grouped by column, thresholds ascending."""
        distinct = {split for tree in trees for split in tree.splits()}
        sets = sorted(split for split in distinct if isinstance(split, CodeSet))
        comparisons = {split for split in distinct if isinstance(split, Comparison)}
        comparisons |= {comparison for each in sets for comparison in each.ends()}
        columns: list[Column] = []
        numbers: dict[Split, int] = {}
        count = 1
        for _, group in groupby(sorted(comparisons), key=lambda comparison: comparison[:2]):
            column = Column(list(group), count)
            columns.append(column)
            numbers |= {comparison: count + 1 + i for i, comparison in enumerate(column.comparisons)}
            count += len(column.comparisons) + 1
        numbers |= {each: count + i for i, each in enumerate(sets)}
        return cls(columns, sets, numbers, count + len(sets))

    def of_set(self, each: CodeSet) -> list[int]:
        """Return the planes whose exclusive or is the plane of a set."""
        return [self.numbers[comparison] for comparison in each.ends()]


class Members(NamedTuple):
    """The sets as bits, for walks. `limits` has the first code above all sets of a feature.

    The bits of a set are those of the codes below the limit, then one for every other code, and one for missing values.
    They begin with a word of 32; `firsts` has the number of that word for each set.
    """

    limits: dict[int, int]
    firsts: dict[CodeSet, int]
    words: list[int]

    @classmethod
    def of(cls, trees: Iterable[Tree]) -> "Members":
        """Return the distinct sets of trees."""
        sets = sorted({split for tree in trees for split in tree.splits() if isinstance(split, CodeSet)})
        limits: dict[int, int] = {}
        for each in sets:
            limits[each.feature] = max([limits.get(each.feature, 0), *(code + 1 for code in each.codes)])
        firsts: dict[CodeSet, int] = {}
        words: list[int] = []
        for each in sets:
            firsts[each] = len(words)
            limit = limits[each.feature]
            found = [0] * ((limit + 1) // 32 + 1)
            for code in (*each.codes, *(() if each.missing_left else (limit + 1,))):
                found[code // 32] |= 1 << code % 32
            words += found
        return cls(limits, firsts, words)
