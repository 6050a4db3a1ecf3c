"""Models and contracts that the service refuses, and the smallest that it serves."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.app.adapted import tree as adapted
from tests.app.adapted.species import REST
from tests.support.commands import EXAMPLE
from tests.support.service import serving

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    ("species", "parameters", "told"),
    [
        (["Adelie"], {"objective": "reg:squarederror"}, r"found reg:squarederror; train it"),
        (
            ["Adelie", "Gentoo"],
            {"objective": "binary:logistic"},
            r"found binary:logistic: one output where one a class is needed, 2 in all; train it",
        ),
    ],
)
def test_a_model_without_probabilities_is_refused(
    tmp_path: Path, species: list[str], parameters: dict[str, Any], told: str
) -> None:
    """The service refuses a model whose answers are not probabilities, such as a regressor."""
    tree = adapted.copy(tmp_path, species)
    bundle = adapted.compiled(tree, **parameters)
    verified = adapted.run(tree, "-m", "bundle", "verify", bundle, "--allow-unsigned")
    assert verified.returncode == 3
    assert re.search(r"expected a model of probabilities \(multi:softprob or multi:softmax\), " + told, verified.stderr)
    with serving(bundle, root=tree) as service:
        refused = service.request("GET", "/health/ready")
        assert refused.status == 503
        assert "expected a model of probabilities" in refused.document["detail"]


def test_one_species_is_served(tmp_path: Path) -> None:
    """The service serves a classifier of one species: it is always sure."""
    tree = adapted.copy(tmp_path, ["Adelie"])
    with serving(adapted.compiled(tree, objective="multi:softprob", num_class=1), root=tree) as service:
        assert service.predict(EXAMPLE).document["probabilities"] == {"Adelie": 1.0}
        body = b'{"bill_length_mm":39.1,"bill_depth_mm":18.7,' + REST
        assert service.request("POST", "/explain", body).document["survives_measurement_error"] is True


@pytest.mark.parametrize(
    ("species", "measurements", "told"),
    [
        ([1, 2], [], "contract/species.py: expected species as text, found 1"),
        ([], [("body_mass_g", "species")], "contract/measurements.py: species: expected another name"),
    ],
)
def test_a_contract_that_cannot_be_is_one_line_and_status_2(
    tmp_path: Path, species: list[object], measurements: list[tuple[str, str]], told: str
) -> None:
    """A start with a faulty contract ends with status 2 and one line that names the file."""
    result = adapted.run(adapted.copy(tmp_path, species, measurements), "-m", "app", PORT="0", METRICS_PORT="0")
    assert result.returncode == 2, result.stderr
    assert told in result.stderr
    assert "Traceback" not in result.stderr
