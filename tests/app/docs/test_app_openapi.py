from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from contract.measurements import MEASUREMENTS
from tests.support.commands import EXAMPLE
from tests.support.service import Service


@pytest.fixture(scope="module")
def document(service: Service) -> Any:
    reply = service.request("GET", "/openapi.json")
    assert reply.headers["content-type"] == "application/json"
    return reply.document


def test_it_is_valid_openapi(document: Any) -> None:
    """The document is valid OpenAPI 3.1."""
    assert document["openapi"].startswith("3.1")
    validate(document, cls=OpenAPIV31SpecValidator)


def test_units_and_bounds_are_in_it(document: Any) -> None:
    """The document has the units and bounds that the decoder enforces."""
    properties = document["components"]["schemas"]["Measurements"]["properties"]
    for measurement in MEASUREMENTS:
        schema = properties[measurement.name]
        assert (schema["minimum"], schema["maximum"]) == (measurement.minimum, measurement.maximum)
        assert schema["x-unit"] == measurement.unit


def test_every_path_in_it_answers(document: Any, service: Service) -> None:
    """Every path answers with a status and a content type that the document lists."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            reply = service.predict(EXAMPLE) if method == "post" else service.request(method.upper(), path)
            assert reply.headers["content-type"] in operation["responses"][str(reply.status)]["content"]


def test_the_example_is_the_published_one(document: Any) -> None:
    """The document's example is the published one."""
    content = document["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert content["application/json"]["example"] == EXAMPLE
