"""Models and contracts that are refused when they are compiled, and the smallest that is served."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from compile.contract_file import in_toml
from contract.schema import Contract, Output
from tests.app.adapted.species import PENGUIN
from tests.support.apples import QUICKLY, compiled, grown
from tests.support.commands import EXAMPLE, run_module
from tests.support.service import serving

pytestmark = pytest.mark.long

TOML = in_toml(PENGUIN)


def answering(output: Output) -> Contract:
    return msgspec.structs.replace(PENGUIN, output=output)


@pytest.mark.parametrize(
    ("output", "parameters", "told"),
    [
        (
            Output(kind="number"),
            {"objective": "reg:squarederror"},
            "found one of reg:squarederror that answers a number",
        ),
        (
            Output(classes=("Adelie", "Gentoo")),
            {"objective": "binary:logistic"},
            "found one of binary:logistic that answers a probability for each of 2 classes",
        ),
        (
            Output(kind="label", classes=("Adelie", "Gentoo")),
            {"objective": "binary:hinge"},
            "found one of binary:hinge that answers one of 2 classes without probabilities",
        ),
    ],
)
def test_a_model_of_another_kind_than_its_contract_says_is_refused(
    tmp_path: Path, output: Output, parameters: dict[str, Any], told: str
) -> None:
    """A model whose answers are of another kind than the contract says is one line and status 2."""
    model = tmp_path / "model.json"
    grown(answering(output), model, parameters)
    model.with_suffix(".toml").write_text(TOML, encoding="utf-8")
    result = run_module("compile", model, "--out", tmp_path / "bundle", *QUICKLY)
    assert result.returncode == 2, result.stderr
    expected = "expected a model that answers a probability for each of 3 classes, as the contract says, "
    assert expected + told in result.stderr
    assert "give its own contract (--contract), or train with another objective" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "bundle").exists()


def test_one_species_is_served(tmp_path: Path) -> None:
    """A classifier of one species is served: it is always sure."""
    contract, model = answering(Output(classes=("Adelie",), label="species")), tmp_path / "model.json"
    grown(contract, model, {"objective": "multi:softprob", "num_class": 1})
    with serving(compiled(contract, model, tmp_path / "bundle")) as service:
        assert service.predict(EXAMPLE).document["probabilities"] == {"Adelie": 1.0}
        explained = service.request("POST", "/explain", msgspec.json.encode(EXAMPLE))
        assert explained.document["survives_measurement_error"] is True


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"Gentoo"', "1", "output.classes[0]: Expected `str`, got `int`"),
        ('label = "species"', 'label = "measurements"', "expected another label than 'measurements'"),
        ('name = "body_mass_g"', 'name = "bill_depth_mm"', "each once, found twice bill_depth_mm"),
        ("minimum = 20", 'minimum = "20"', "inputs[0].minimum (bill_length_mm): Expected"),
        ('unit = "mm"', 'units = "mm"', "inputs[0] (bill_length_mm): Object contains unknown field `units`"),
        ('numerator = "bill_length_mm"', 'numerator = "wing_mm"', "expected inputs that are numbers, found wing_mm"),
        ("[output]", "[output", "is not TOML"),
    ],
)
def test_a_contract_that_cannot_be_is_one_line_and_status_2(
    tmp_path: Path, model_path: Path, old: str, new: str, told: str
) -> None:
    """A faulty contract ends the compilation with status 2 and one line that names the file and the key."""
    path = tmp_path / "contract.toml"
    assert old in TOML
    path.write_text(TOML.replace(old, new, 1), encoding="utf-8")
    result = run_module("compile", model_path, "--contract", path, "--out", tmp_path / "bundle", *QUICKLY)
    assert result.returncode == 2, result.stderr
    assert result.stderr.count("\n") == 1
    assert str(path) in result.stderr
    assert told in result.stderr
