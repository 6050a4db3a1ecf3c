"""Contracts with many species or many measurements."""

from pathlib import Path

import pytest

from tests.app.adapted import tree as adapted
from tests.app.adapted.species import FIELDS, MEGABYTE

pytestmark = pytest.mark.long

# Within a limit that spares this machine.
IMPORTS = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, ({1024 * MEGABYTE}, {1024 * MEGABYTE}))
import app.main, app.process.serve
from app.metrics.families import MEMORY
from app.metrics.process import figures
print(*figures()[MEMORY])
"""
MANY = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, ({1024 * MEGABYTE}, {1024 * MEGABYTE}))
from app.metrics.cells import Cells
from app.metrics.families import OBSERVED
from app.explanation.flips import Flips
from app.answers.guesses import guess
from app.metrics.request_counts import Metrics
from app.explanation.survival import Survival
from contract.drift import DriftBaseline, Variable
from contract.measurements import MEASUREMENTS, Measurements
from contract.trees import Forest, Tree

assert guess(Measurements(*[2000.0] * 200)) is None

calls = 0
def predict(row):
    global calls
    calls += 1
    assert calls < 10_000
    return 0

trees = [Tree(0, (1, -1, -1), (2, -1, -1), (i, 0, 0), (2.5, -1.0, 1.0), (2.0, 1.0, 1.0)) for i in range(300)]
forest = Forest("", (0.0, 0.0), tuple(trees))
assert Survival(forest, predict).of((2.0,) * 200, (1.0,) * 200) is None
assert [Flips(forest, predict).of((2.0,) * 200, place) for place in range(200)] == [(None, None)] * 200

cells = Cells()
variables = {{each.name: Variable(tuple(range(9)), (1,) * 10, 1.0) for each in MEASUREMENTS}}
Metrics(cells).set_model("1", DriftBaseline(variables))
assert sum(name.startswith(OBSERVED) for name in cells.read()) == 2000
"""


@pytest.mark.parametrize("classes", [2, 20, 31])
def test_a_start_takes_no_more_memory_with_more_species(tmp_path: Path, classes: int) -> None:
    """A start with 31 species takes less than 64 MB, not two to the power of them."""
    tree = adapted.copy(tmp_path, [f"species_{i}" for i in range(classes)])
    imported = adapted.run(tree, "-c", IMPORTS)
    assert imported.returncode == 0, imported.stderr
    assert int(imported.stdout) < 64 * MEGABYTE


def test_many_measurements_do_not_multiply(tmp_path: Path) -> None:
    """A contract with 200 measurements bounds the work of guesses, explanations and metrics."""
    fields = "".join(
        f"    m{i}: Annotated[float, _bounds(0.5, 1000, 'u{i}', typical=(1, 300), error=1), "
        "Meta(description='', examples=[2])]\n"
        for i in range(200)
    )
    tree = adapted.copy(tmp_path, measurements=[(FIELDS, fields)])
    asked = adapted.run(tree, "-c", MANY)
    assert asked.returncode == 0, asked.stderr
