"""GET /openapi.json: valid for any contract, and true to what is accepted and answered."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from contract.reading import PENGUINS, read_contract
from contract.schema import Contract
from tests.support.apples import KINDS, Compiled
from tests.support.commands import EXAMPLE
from tests.support.inference import request
from tests.support.service import Service, serving

ANY: tuple[object, ...] = ("no such", None, 1e9, True, -1e9, 0.5, [], {})
PENGUIN = read_contract(PENGUINS)


class Documented(NamedTuple):
    """A service, its contract and its document."""

    service: Service
    contract: Contract
    document: Any


@pytest.fixture(scope="module")
def document(service: Service) -> Any:
    reply = service.request("GET", "/openapi.json")
    assert reply.headers["content-type"] == "application/json"
    return reply.document


@pytest.fixture(scope="module", params=["penguins", *KINDS])
def documented(
    request: pytest.FixtureRequest, service: Service, document: Any, apples: Callable[[str], Compiled]
) -> Iterator[Documented]:
    """Run a service of each kind."""
    if request.param == "penguins":
        yield Documented(service, PENGUIN, document)
        return
    apple = apples(request.param)
    with serving(apple.bundle_path) as other:
        yield Documented(other, apple.contract, other.request("GET", "/openapi.json").document)


def test_it_is_valid_openapi(documented: Documented) -> None:
    """The document is valid OpenAPI 3.1, for every kind of answer and input."""
    assert documented.document["openapi"].startswith("3.1")
    validate(documented.document, cls=OpenAPIV31SpecValidator)
    assert documented.document["info"]["title"] == documented.contract.title
    assert f"/v2/models/{documented.contract.name}/infer" in documented.document["paths"]


def check(documented: Documented, name: str, found: Any) -> None:
    """Check a document against a schema of the OpenAPI document, and that the schema knows every field."""
    schema = documented.document["components"]["schemas"][name]
    jsonschema.Draft202012Validator(schema).validate(found)
    assert set(found) <= set(schema["properties"])


def test_bodies_and_answers_have_their_schemas(documented: Documented, apples: Callable[[str], Compiled]) -> None:
    """What is sent, predicted and explained fits the schemas, and what does not fit is refused."""
    documents: list[dict[str, Any]] = [EXAMPLE]
    if documented.contract.name == "apple":
        documents = apples("classes").documents(8)
    for body in documents:
        check(documented, "Measurements", body)
        check(documented, "PredictionAnswer", documented.service.predict(body).document)
        explained = documented.service.request("POST", "/explain", json.dumps(body).encode())
        check(documented, "ExplanationAnswer", explained.document)
        together = documented.service.request("POST", "/explain?interactions=true", json.dumps(body).encode())
        check(documented, "ExplanationAnswer", together.document)
        assert together.document["interactions"]["values"]
    schema = jsonschema.Draft202012Validator(documented.document["components"]["schemas"]["Measurements"])
    for each in documented.contract.inputs:
        for value in ANY:
            body = {**documents[0], each.name: value}
            assert schema.is_valid(body) == (documented.service.predict(body).status == 200), (each.name, value)


def test_its_examples_are_answered(documented: Documented) -> None:
    """The examples of the document are answered with 200 by the service that publishes them."""
    paths = documented.document["paths"]
    for path in ("/predict", "/explain", f"/v2/models/{documented.contract.name}/infer"):
        content = paths[path]["post"]["requestBody"]["content"]["application/json"]
        body = json.dumps(content["example"]).encode()
        assert documented.service.request("POST", path, body).status == 200
    for form, content in paths["/score"]["post"]["requestBody"]["content"].items():
        if "example" in content:
            text = content["example"] if form == "text/csv" else json.dumps(content["example"])
            headers = {"content-type": form, "accept": "application/json"}
            p_values = "p_values" in documented.document["components"]["schemas"]["ExplanationAnswer"]["properties"]
            path = "/score?p_values=true" if p_values else "/score"
            reply = documented.service.request("POST", path, text.encode(), headers)
            schema = paths["/score"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
            jsonschema.Draft202012Validator(schema).validate(reply.document)
            (row,) = reply.document
            assert row["reason"] is None
            assert set(schema["items"]["properties"]) <= set(row), "all columns, if all are asked for"


def test_units_and_bounds_are_in_it(document: Any) -> None:
    """The document has the units and bounds that the decoder enforces."""
    properties = document["components"]["schemas"]["Measurements"]["properties"]
    for measurement in PENGUIN.inputs:
        schema = properties[measurement.name]
        assert (schema["minimum"], schema["maximum"]) == (measurement.minimum, measurement.maximum)
        assert schema["x-unit"] == measurement.unit


def test_every_path_in_it_answers(documented: Documented) -> None:
    """Every path answers with a status and a content type that the document lists."""
    for path, operations in documented.document["paths"].items():
        for method, operation in operations.items():
            body = request() if path.endswith("infer") else b"{}"
            reply = documented.service.request(method.upper(), path, body if method == "post" else None)
            media_type = reply.headers["content-type"].partition(";")[0]
            assert media_type in operation["responses"][str(reply.status)]["content"]


def test_the_example_is_the_published_one(document: Any) -> None:
    """The document's example is the published one."""
    content = document["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert content["application/json"]["example"] == EXAMPLE


def test_patterns_are_ecmascript_s(document: Any) -> None:
    """No pattern has the end of Python's, which is the letter Z elsewhere."""
    assert "\\\\Z" not in json.dumps(document)
    assert document["components"]["schemas"]["Contract"]["properties"]["name"]["pattern"].endswith("{0,63}$")
