"""Explanations of measurements around zero."""

from pathlib import Path

import pytest

from tests.app.adapted import tree as adapted
from tests.app.adapted.species import FIELDS

pytestmark = pytest.mark.long

# Two measurements around zero and their ratio; a library in numpy, to which what has no value is small.
AROUND_ZERO = """
import numpy as np
from app.explanation.flips import Flips
from app.explanation.survival import Survival
from contract.trees import Forest, Tree

chance = np.random.default_rng(1)
thresholds = np.float32(chance.normal(size=30))
trees = [Tree(i % 2, (1, -1, -1), (2, -1, -1), (i % 3, 0, 0), (float(at), *chance.normal(size=2)), (2.0, 1.0, 1.0))
         for i, at in enumerate(thresholds)]

def predict(row):
    a, b = map(np.float32, row)
    with np.errstate(all="ignore"):
        seen = [a, b, a / b]
    margins = [0.0, 0.0]
    for tree in trees:
        value = seen[tree.feature[0]]
        margins[tree.output] += tree.value[2 if value >= tree.value[0] else 1]
    return int(margins[1] > margins[0])

forest = Forest("", (0.0, 0.0), tuple(trees))
flips, survival = Flips(forest, predict), Survival(forest, predict)
rows = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (-1.0, 0.0), *np.float32(chance.uniform(-2, 2, (40, 2))).tolist()]
found = set()
for row in map(tuple, rows):
    label = predict(row)
    for place in (0, 1):
        for flip, bound in zip(flips.of(row, place), (-2.0, 2.0)):
            moved = lambda value: (*row[:place], value, *row[place + 1 :])
            end = bound if flip is None else float(np.nextafter(np.float32(flip.value), np.float32(row[place]))) + 0.0
            assert flip is None or predict(moved(flip.value)) == flip.label != label
            between = [row[place], end, *(row[place] + share * (end - row[place]) for share in chance.random(30))]
            between += [0.0] if min(row[place], end) <= 0 <= max(row[place], end) else []
            assert all(predict(moved(float(np.float32(value)))) == label for value in between), (row, place, flip)
    survives = survival.of(row, (0.3, 0.0))
    found.add(survives)
    if survives:
        near = [min(max(row[0] + share * 0.3, -2), 2) for share in (-1, 1, *chance.uniform(-1, 1, 50))]
        near += [0.0] if abs(row[0]) <= 0.3 else []
        assert all(predict((value, row[1])) == label for value in near), row
assert {True, False} <= found
"""


def test_values_around_zero_are_explained(tmp_path: Path) -> None:
    """An answer turns where the explanation says, although ratios are infinite or missing at zero."""
    fields = "".join(
        f"    {name}: Annotated[float, _bounds(-2, 2, '', typical=(-1, 1), error=0.3), "
        "Meta(description='', examples=[0.5])]\n"
        for name in "ab"
    )
    tree = adapted.copy(tmp_path, measurements=[(FIELDS, fields)])
    explained = adapted.run(tree, "-c", AROUND_ZERO)
    assert explained.returncode == 0, explained.stderr
