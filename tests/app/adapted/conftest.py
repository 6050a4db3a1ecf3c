"""A service of a user's own model: 31 species with awkward names, and a measurement without a unit."""

from collections.abc import Iterator

import pytest

from tests.app.adapted import tree as adapted
from tests.app.adapted.own import Adapted
from tests.app.adapted.species import SPECIES
from tests.support.service import serving
from tests.support.telemetry import free_port


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adapted]:
    """Run a service with 31 species of awkward names, and a share between 0 and 1."""
    tree = tmp_path_factory.mktemp("own")
    adapted.copy(tree, SPECIES, [(r" {4}bill_depth_mm.*?\n {4}\]\n", adapted.UNITLESS)])
    bundle = adapted.compiled(tree, judged=True, objective="multi:softprob", num_class=len(SPECIES))
    port, log = free_port(), tree / "log"
    environment = {"METRICS_PORT": str(port), "LOG_FORMAT": "text", "LOG_LINES_PER_SECOND": "100000"}
    with log.open("w") as stdout, serving(bundle, stdout=stdout, root=tree, **environment) as service:
        yield Adapted(service, port, log)
