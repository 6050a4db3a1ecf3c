"""What docs/api.md says is so: its routes, its examples, its script."""

import csv
import io
import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from app.core.protocol import Protocol
from app.docs.openapi import PROBLEMS
from app.docs.schemas import prediction
from contract.reading import PENGUINS, read_contract
from contract.schema import Contract, Input, Output
from score.judged import Judged
from tests.support.commands import ROOT
from tests.support.service import Service

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
TABLE_PAGE = (ROOT / "docs" / "table.md").read_text(encoding="utf-8")
PENGUIN = read_contract(PENGUINS)
EXAMPLE = {each.name: each.sample for each in PENGUIN.inputs}


def test_its_routes_are_those_there_are(service: Service) -> None:
    """Every route of the OpenAPI description, by its method, and the pages for people; each is answered."""
    listed = set(re.findall(r"`(GET|POST) (/[\w/.]*)`", PAGE.partition("## One bird")[0]))
    paths = service.request("GET", "/openapi.json").document["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert listed == described | {("GET", "/"), ("GET", "/docs"), ("GET", "/openapi.json")}
    for method, path in listed - {("GET", "/challenger")}:
        body = b"{}" if method == "POST" else None
        assert service.request(method, path, body).status not in (404, 405, 500), path


def test_its_bounds_are_the_contract_s() -> None:
    """In the order of the rows of a batch."""
    rows = [(each.name, each.unit, f"{each.minimum:g}", f"{each.maximum:g}") for each in PENGUIN.inputs]
    assert re.findall(r"^\| `(\w+)` \| (\w+) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE) == rows


def test_its_fields_are_those_of_an_answer(service: Service) -> None:
    """Those of a prediction, and those of an explanation."""
    for path in ("/predict", "/explain"):
        for name in service.request("POST", path, msgspec.json.encode(EXAMPLE)).document:
            assert f"`{name}`" in PAGE


def test_it_names_what_is_said_of_the_model(service: Service) -> None:
    """GET /model has what the page names, and the contract as the bundle has it."""
    (row,) = re.findall(r"^\| `GET /model` \| (.*) \|$", PAGE, re.MULTILINE)
    document = service.request("GET", "/model").document
    assert set(re.findall(r"`(\w+)`", row)) <= document.keys()
    assert msgspec.convert(document["contract"], Contract) == PENGUIN


JUDGED = Judged(sets=True, distance=True, half_widths={"a": 1.0, "b": 1.0})
OUTPUTS = {
    "classes": Output("classes", classes=("a", "b"), label="species"),
    "label": Output("label", classes=("a", "b"), label="species"),
    "number": Output("number"),
    "numbers": Output("numbers", names=("a", "b")),
}
OF_CLASSES, OF_NUMBERS = {"prediction_set"}, {"interval"}  # what only such an answer can have


@pytest.mark.parametrize("kind", OUTPUTS)
def test_its_kinds_of_answers_have_their_fields(kind: str) -> None:
    """The row of each kind names the fields of its answer; the distance is named for all kinds."""
    found = re.search(rf"^\| `{kind}` \| (.*) \|$", PAGE, re.MULTILINE)
    assert found
    named = set(re.findall(r"`(\w+)`", found[1])) - {"label", "unit", "names"}  # of the contract
    impossible = {"classes": OF_NUMBERS, "label": OF_CLASSES | OF_NUMBERS}.get(kind, OF_CLASSES)
    contract = Contract("m", (Input("x"),), OUTPUTS[kind])
    fields = prediction(contract, JUDGED)["properties"].keys() - impossible
    assert named == fields - {"species", "in_distribution", "distance"}
    assert ("the name of the class" in found[1]) == ("species" in fields)


@pytest.mark.parametrize("kind", OUTPUTS)
def test_its_tensors_are_those_of_the_protocol(kind: str) -> None:
    """The page names every output tensor with its data type: what is sent by itself, and what must be named."""
    protocol = Protocol("m", Contract("m", (Input("x"),), OUTPUTS[kind]), 1, sets=True, distance=True, p_values=True)
    sentence = re.search(rf"of `{kind}`(?: are|,) ", PAGE)
    assert sentence
    told = re.split(r"[;.]", PAGE[sentence.end() :])[0]
    assert re.findall(r"`(\w+)`", told) == list(protocol.default)
    for name, tensor in protocol.outputs.items():
        assert f"`{name}` ({tensor.datatype}" in PAGE


def test_every_status_is_listed() -> None:
    """Those that the OpenAPI description has, and those that only a connection gives."""
    listed = set(re.findall(r"^\| (\d{3}) \|", PAGE, re.MULTILINE))
    assert listed >= PROBLEMS.keys() | {"404", "405", "414", "417", "431", "500", "501", "505"}


def test_its_refusal_is_the_service_s(service: Service) -> None:
    """A mass in kilograms; `...` stands for what is left out."""
    quoted = re.search(r"```text\n(.*)\n```", PAGE)
    assert quoted
    reply = service.predict({**EXAMPLE, "body_mass_g": 3.75})
    assert reply.status == 400
    assert re.fullmatch(".*".join(map(re.escape, quoted[1].split("..."))), reply.body.decode())


def test_its_request_for_many_rows_is_answered(service: Service) -> None:
    """The body of the curl command, which names no content type."""
    asked = re.search(r"curl localhost:8080(/v2\S+) \\\n  -d '(.*?)'", PAGE, re.DOTALL)
    assert asked
    reply = service.request("POST", asked[1], asked[2].encode(), {"content-type": "application/x-www-form-urlencoded"})
    outputs = {output["name"]: output for output in reply.document["outputs"]}
    assert outputs["label"]["data"] == [2, 1]
    assert outputs["probabilities"]["shape"] == [2, 3]


def test_its_p_values_are_answered(service: Service) -> None:
    """The curl command gives a p-value for each species, and the sets of the levels that the page lists."""
    found = re.search(r"^curl '(localhost:8080/predict\?\S+)' .*?^  -d '(.*?)'$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    command = found[0].replace("8080", str(service.port)).replace("curl ", "curl --silent --fail ")
    told = subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=60)
    document = msgspec.json.decode(told.stdout)
    assert [*document["p_values"]] == [*document["probabilities"]]
    (row,) = re.findall(r"^\| `p_value_sets` \| by level, (.*?): ", PAGE, re.MULTILINE)
    assert re.findall(r'"([\d.]+)"', row) == [*document["p_value_sets"]]


def test_its_table_is_answered(service: Service, tmp_path: Path) -> None:
    """The curl command answers each bird of a file; one without measurements, and one in kilograms, have a reason."""
    command = re.search(r"^curl localhost:8080/score .*--data-binary @birds.csv > answers.csv$", PAGE, re.MULTILINE)
    assert command
    assert command[0] in TABLE_PAGE
    names = ",".join(EXAMPLE)
    birds = f"{names},sex\n39.1,18.7,181,3750,male\nNA,NA,NA,NA,NA\n39.1,18.7,181,3.75,male\n"
    (tmp_path / "birds.csv").write_text(birds)
    subprocess.run(["sh", "-c", command[0].replace("8080", str(service.port))], cwd=tmp_path, check=True, timeout=60)
    adelie, missing, light = csv.DictReader(io.StringIO((tmp_path / "answers.csv").read_text()))
    assert (adelie["sex"], adelie["species"], adelie["reason"]) == ("male", "Adelie", "")
    assert missing["reason"].startswith("bill_length_mm: expected a number of mm, found null; ")
    assert "did you mean 3750?" in light["reason"]


def test_the_example_of_the_page_about_tables(service: Service) -> None:
    """Its answer is what the service answers to its request, up to the probabilities of another XGBoost's model."""
    asked, answer = re.findall(r"```text\n(.*?)```", TABLE_PAGE, re.DOTALL)
    reply = service.request("POST", "/score", asked.encode(), {"content-type": "text/csv"})
    probabilities = re.compile(r"\b0\.\d{7,}|\b\d\.\d+e-\d+")
    assert probabilities.sub("p", reply.body.decode()) == probabilities.sub("p", answer)
