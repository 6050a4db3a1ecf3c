"""The trees as data for compile/native/walk.c, rows.c and ranks.c. The headers say what each array holds."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from compile.data.arrays import array, word
from compile.data.planes import CodeSet, Column, Members, Planes, Split, Tree
from compile.data.ranks import Ranks, rank_arrays, rank_macros
from compile.expression import literal
from compile.reading.booster import CompilableModel
from compile.reading.categories import sets_of

PLANES_DEPTH = 8  # edges; leaf indices are bytes
PADDING = 4  # a tree may grow by this factor to become perfect; sparser trees are walked
WALKED = 0xFFFFFFFF
NAN = 0x7FC00000  # the bits of a float32
SMALL = 0xFFFF  # the largest 16-bit index
TOGETHER = 8  # trees; enough to hide the latency of a step, and few enough for the registers


def read_trees(document: dict[str, Any]) -> list[Tree]:
    """Return the trees of a model from XGBoost's document."""
    model = document["learner"]["gradient_booster"]["model"]
    return [_read_tree(tree, output) for tree, output in zip(model["trees"], model["tree_info"].tolist(), strict=True)]


def _read_tree(tree: dict[str, Any], output: int) -> Tree:
    lefts, rights = tree["left_children"].tolist(), tree["right_children"].tolist()
    order, depths = [0], [0]
    for node, depth in zip(order, depths, strict=False):  # both lists grow while they are read
        if lefts[node] != -1:
            order += (lefts[node], rights[node])
            depths += (depth + 1, depth + 1)
    position = {node: i for i, node in enumerate(order)}
    if len(order) == 1:
        order.append(0)  # a root that is a leaf cannot lead to itself, so it gets a second node
    return Tree(
        left=[position[lefts[node]] if lefts[node] != -1 else -1 for node in order],
        feature=tree["split_indices"][order].tolist(),
        missing_left=tree["default_left"][order].tolist(),
        values=tree["split_conditions"].view(np.uint32)[order].tolist(),
        depth=depths[-1],
        output=output,
        codes={position[node]: codes for node, codes in sets_of(tree).items() if node in position},
    )


class Layout(NamedTuple):
    """The macros for model.h, and the text of each file of data by its name.

    `walked` means that rows.c walks some trees. `ranked` means that there is rank_data.c: the trees suit ranks.c.
    """

    macros: str
    files: dict[str, str]
    walked: bool
    ranked: bool


def write_layout(model: CompilableModel) -> Layout:
    """Return the data of a model."""
    trees = read_trees(model.document)
    features = len(model.contract.features)
    perfect = [_fits_planes(tree) for tree in trees]
    planes = Planes.of(tree for tree, fits in zip(trees, perfect, strict=True) if fits)
    members = Members.of(trees)
    largest = max(max(len(tree.left) for tree in trees), 2 * features + len(members.limits))
    outputs = len(model.trees.base_margins)
    in_turn = [tree.output for tree in trees] == [i % outputs for i in range(len(trees))] and outputs <= TOGETHER
    together = round(TOGETHER / outputs) * outputs if in_turn else TOGETHER
    macros = [
        f"#define TREE_COUNT {len(trees)}",
        f"#define NODE_COUNT {sum(len(tree.left) for tree in trees)}",
        f"#define COLUMN_COUNT {len(planes.columns)}",
        f"#define SET_COUNT {len(planes.sets)}",
        f"#define PLANE_COUNT {planes.total}",
        f"#define CATEGORY_COUNT {len(members.limits)} /* features with categories */",
        f"#define WALKED_TREES {perfect.count(False)}",
        f"#define TOGETHER {together} /* trees that are walked at once */",
        f"#define OUTPUTS_IN_TURN {int(in_turn)}",
        f"typedef {_index_type(largest)} node_index;",
        f"typedef {_index_type(planes.total)} plane_index;",
    ]
    depths = [max(tree.depth for tree in trees[i : i + together]) for i in range(0, len(trees), together)]
    walk = [
        *_walk_arrays(trees, members, features),
        array("uint32_t", "WALK_DEPTHS", map(str, [*depths, *[0] * (len(trees) // together + 1 - len(depths))])),
        *(_member_arrays(members) if members.limits else ()),
    ]
    arrays = [
        *_tree_arrays(trees, perfect, planes),
        *_column_arrays(planes.columns),
        *(_set_arrays(planes) if planes.sets else ()),
    ]
    files = {"walk_data.c": _file("model_data.h", walk), "model_data.c": _file("model_data.h", arrays)}
    ranks = Ranks.of(trees)
    if ranks:
        macros += rank_macros(ranks, trees, outputs)
        files["rank_data.c"] = _file("rank_data.h", rank_arrays(ranks, trees, outputs))
    return Layout("\n".join(macros), files, walked=not all(perfect), ranked=ranks is not None)


def _file(header: str, arrays: Iterable[str]) -> str:
    return "\n".join(["#include <math.h>", f'#include "{header}"', *arrays, ""])


def _walk_arrays(trees: list[Tree], members: Members, features: int) -> Iterator[str]:
    yield array("struct node", "NODES", (node for tree in trees for node in _walked_nodes(tree, members, features)))
    yield array("uint32_t", "LEAF_VALUES", (word(value) for tree in trees for value in tree.values))


def _tree_arrays(trees: list[Tree], perfect: list[bool], planes: Planes) -> Iterator[str]:
    rows: list[str] = []
    nodes = 0
    order: list[int] = []
    leaves: list[int] = []
    for tree, fits in zip(trees, perfect, strict=True):
        first = f"{len(order)}" if fits else f"{WALKED}u"
        rows.append(f"{{{nodes}, {tree.depth}, {tree.output}, {first}, {len(leaves)}}}")
        nodes += len(tree.left)
        if fits:
            _append_perfect(tree, planes.numbers, order, leaves)
    yield array("struct tree", "TREES", rows)
    yield array("plane_index", "ORDER", map(str, order or [0]))
    yield array("uint32_t", "LEAVES", map(word, [*leaves, *[0] * 16]))  # a vector load may read beyond the last leaf


def _index_type(largest: int) -> str:
    return "uint16_t" if largest <= SMALL else "uint32_t"


def _fits_planes(tree: Tree) -> bool:
    return tree.depth <= PLANES_DEPTH and 2 << tree.depth <= PADDING * (len(tree.left) + 1)


def _column_arrays(columns: list[Column]) -> Iterator[str]:
    rows: list[str] = []
    thresholds: list[str] = []
    groups: list[str] = []
    for column in columns:
        values = [literal(comparison.threshold) for comparison in column.comparisons]
        firsts = values[16::16]
        padded = 16 if len(firsts) <= 16 else (1 << len(firsts).bit_length()) - 1
        first = column.comparisons[0]
        rows.append(
            f"{{{first.feature}, {first.missing_left}, {len(values)}, {len(thresholds)}, {len(groups)}, {padded}, "
            f"{(padded + 1) // 2}, {column.first_plane}}}"
        )
        thresholds += values + ["NAN"] * (-len(values) % 16)
        groups += firsts + ["NAN"] * (padded - len(firsts))
    yield array("struct column", "COLUMNS", rows or ["{0, 0, 0, 0, 0, 0, 0, 0}"])
    yield array("float", "THRESHOLDS", thresholds or ["NAN"])
    yield array("float", "GROUPS", groups or ["NAN"])


def _set_arrays(planes: Planes) -> Iterator[str]:
    rows: list[str] = []
    parts: list[int] = []
    for each in planes.sets:
        found = planes.of_set(each)
        rows.append(f"{{{len(parts)}, {len(found)}}}")
        parts += found
    yield array("struct code_set", "SETS", rows)
    yield array("plane_index", "SET_PARTS", map(str, parts or [0]))


def _member_arrays(members: Members) -> Iterator[str]:
    yield array("struct category", "CATEGORIES", (f"{{{name}, {limit}}}" for name, limit in members.limits.items()))
    yield array("uint32_t", "MEMBERS", map(word, members.words))


def _walked_nodes(tree: Tree, members: Members, features: int) -> Iterator[str]:
    place = {feature: 2 * features + i for i, feature in enumerate(members.limits)}
    for node, left in enumerate(tree.left):
        split = tree.split(node) if left != -1 else None
        if split is None:
            yield f"{{{word(NAN)}, 0, {max(node, 1) - 1}}}"
        elif isinstance(split, CodeSet):
            yield f"{{{members.firsts[split]}, {place[split.feature]}, {left}}}"
        else:
            feature = tree.feature[node] + features * tree.missing_left[node]
            yield f"{{{word(tree.values[node])}, {feature}, {left}}}"


def _append_perfect(tree: Tree, plane: dict[Split, int], order: list[int], leaves: list[int]) -> None:
    """Append the planes of inner nodes depth first, and the leaves from left to right.

    Every path gets the same length.
    """

    def append(node: int, height: int) -> None:
        left = tree.left[node]
        if left == -1:
            order.extend([0] * ((1 << height) - 1))
            leaves.extend([tree.values[node]] * (1 << height))
        else:
            order.append(plane[tree.split(node)])
            append(left, height - 1)
            append(left + 1, height - 1)

    append(0, tree.depth)
