"""A service of a user's own model: forty species with awkward names, and a measurement without a unit."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from contract.manifest import Digest, encode
from contract.uncertainty import UNCERTAINTY_FILE, Evidence, Gaussian, Uncertainty
from tests.app.adapted.own import Adapted
from tests.app.adapted.species import SPECIES, with_gape
from tests.support.apples import compiled, grown
from tests.support.service import serving
from tests.support.telemetry import free_port


def write_uncertainty(model: Path) -> None:
    """Write what leaves some species out of some sets, and calls every bird known."""
    gaussian = Gaussian((0.0,) * 4, tuple((0.0,) * i + (1.0,) for i in range(4)))
    thresholds = dict.fromkeys(SPECIES, float(np.float32(1 / len(SPECIES))))
    uncertainty = Uncertainty(
        model_sha256=Digest.of(model.read_bytes()).sha256,
        level=0.95,
        evidence=Evidence("none"),
        conformal_thresholds=thresholds,
        set_thresholds=thresholds,
        gaussians=dict.fromkeys(SPECIES, gaussian),
        distance_limit=1e6,
    )
    model.with_name(UNCERTAINTY_FILE).write_bytes(encode(uncertainty))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adapted]:
    """Run a service with forty species of awkward names, and a share between 0 and 1."""
    directory, contract = tmp_path_factory.mktemp("own"), with_gape()
    model, log, port = directory / "model.json", directory / "log", free_port()
    grown(contract, model, {"objective": "multi:softprob", "num_class": len(SPECIES), "max_depth": 3}, rounds=3)
    write_uncertainty(model)
    bundle = compiled(contract, model, directory / "bundle")
    with log.open("w") as stdout:
        running = serving(
            bundle, stdout=stdout, METRICS_PORT=str(port), LOG_FORMAT="text", LOG_LINES_PER_SECOND="100000"
        )
        with running as service:
            yield Adapted(service, port, log)
