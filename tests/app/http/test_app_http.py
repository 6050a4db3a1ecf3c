"""Every status that the service documents, through a real socket."""

import http.client
import json
import socket
from contextlib import closing

import msgspec
import pytest

from app.core.answer import Problem
from contract.reading import PENGUINS, read_contract
from contract.schema import Contract, Input
from tests.support.commands import EXAMPLE
from tests.support.service import Reply, Service

CONTRACT = read_contract(PENGUINS)


def assert_problem(reply: Reply, status: int) -> Problem:
    """Check that the reply is an RFC 9457 document that agrees with its status."""
    assert reply.status == status, reply
    assert reply.headers["content-type"] == "application/problem+json"
    problem = msgspec.json.decode(reply.body, type=Problem)
    assert problem.status == status
    assert problem.detail
    assert "Traceback" not in problem.detail
    return problem


def test_the_published_example(service: Service) -> None:
    """The published example is an Adelie, number 2."""
    reply = service.predict(EXAMPLE)
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    fields = ["prediction", "species", "probabilities", "prediction_set", "in_distribution", "distance"]
    assert list(reply.document) == fields
    assert (reply.document["prediction"], reply.document["species"]) == (2, "Adelie")
    assert tuple(reply.document["probabilities"]) == CONTRACT.output.classes
    assert sum(reply.document["probabilities"].values()) == pytest.approx(1, abs=1e-6)


def test_unknown_fields_are_ignored(service: Service) -> None:
    """Unknown fields are ignored, because old clients send `sex`."""
    reply = service.predict({**EXAMPLE, "sex": "male", "notes": {"ring": [1, 2]}})
    assert reply.body == service.predict(EXAMPLE).body


FIELDS = list(CONTRACT.input_names)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", ['"39.1"', "null", "true", "false", "-1", "[]", "{}", "1e400", "-1e400", "9" * 400])
def test_what_is_no_number_of_a_measurement(service: Service, field: str, value: str) -> None:
    """A value that is not a number gets 422, which names the field and what was expected."""
    body = json.dumps({**EXAMPLE, field: "@"}).replace('"@"', value)
    problem = assert_problem(service.predict(body.encode()), 422)
    assert [error.pointer for error in problem.errors] == [f"#/{field}"]
    assert "expected a number of" in problem.errors[0].detail


@pytest.mark.parametrize("field", FIELDS)
def test_a_missing_field(service: Service, field: str) -> None:
    """A missing field gets 422, which names it."""
    problem = assert_problem(service.predict({name: value for name, value in EXAMPLE.items() if name != field}), 422)
    assert problem.errors[0].detail.startswith(f"{field} is missing")


def test_every_faulty_field_is_listed(service: Service) -> None:
    """The answer lists every faulty field, the impossible one too."""
    body = b'{"bill_length_mm": "x", "bill_depth_mm": null, "body_mass_g": 900000}'
    problem = assert_problem(service.predict(body), 422)
    assert {error.pointer for error in problem.errors} == {f"#/{field}" for field in FIELDS}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"   ", id="blank"),
        pytest.param(b"bill_length_mm=39.1", id="form"),
        pytest.param(b"[39.1, 18.7, 181, 3750]", id="array"),
        pytest.param(b'"39.1"', id="string"),
        pytest.param(b"null", id="null"),
        pytest.param(json.dumps({**EXAMPLE, "body_mass_g": float("nan")}).encode(), id="NaN"),
        pytest.param(json.dumps({**EXAMPLE, "body_mass_g": float("inf")}).encode(), id="Infinity"),
        pytest.param(b"\xef\xbb\xbf" + json.dumps(EXAMPLE).encode(), id="byte order mark"),
        pytest.param(json.dumps(EXAMPLE).encode("utf-16"), id="UTF-16"),
        pytest.param(json.dumps(EXAMPLE).encode() + b" x", id="trailing text"),
        pytest.param(b"[" * 30_000, id="deep array"),
        pytest.param(b'{"a":' * 10_000, id="deep object"),
        pytest.param(b'{"sex": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", id="deep unknown field"),
        pytest.param(b'{"\xff": 1}', id="bad UTF-8 in a name"),
        pytest.param(b'{"bill_length_mm": "\xff"}', id="bad UTF-8 in a value"),
        pytest.param(b"\x00" * 100, id="zeros"),
    ],
)
def test_a_body_that_is_no_object_of_numbers(service: Service, body: bytes) -> None:
    """Any other body gets 422 with a list of errors."""
    assert assert_problem(service.predict(body), 422).errors


@pytest.mark.parametrize("measurement", CONTRACT.inputs, ids=FIELDS)
@pytest.mark.parametrize("side", [-1, 1])
def test_what_no_penguin_has(service: Service, measurement: Input, side: int) -> None:
    """A value just outside a bound gets 400, which names field, value and bound; on the bound it gets 200."""
    bound = measurement.bounds[side > 0]
    outside = bound + side * 0.25
    problem = assert_problem(service.predict({**EXAMPLE, measurement.name: outside}), 400)
    for part in (measurement.name, f"{outside:g}", f"{bound:g}", measurement.unit):
        assert part in problem.detail
    assert [error.pointer for error in problem.errors] == [f"#/{measurement.name}"]
    assert service.predict({**EXAMPLE, measurement.name: bound}).status == 200


@pytest.mark.parametrize("value", ["500", "0", "-0.0", "1e-400", "9007199254740993", "1" + "0" * 300])
def test_numbers_that_no_bill_has(service: Service, value: str) -> None:
    """Zero, a number that rounds to zero, and a huge number get 400."""
    body = json.dumps(EXAMPLE).replace("39.1", value)
    assert_problem(service.predict(body.encode()), 400)


@pytest.mark.parametrize("first", ["40", '"x"', "null", "-1", "500"])
def test_the_last_of_repeated_fields_counts(service: Service, first: str) -> None:
    """If a field is repeated, the last value wins."""
    body = json.dumps(EXAMPLE).replace("{", f'{{"bill_length_mm": {first}, ', 1)
    assert service.predict(body.encode()).body == service.predict(EXAMPLE).body


def test_bad_utf8_in_an_ignored_value_is_ignored(service: Service) -> None:
    """Invalid UTF-8 in an ignored value changes nothing."""
    body = json.dumps(EXAMPLE).encode().replace(b"{", b'{"sex": "\xff", ', 1)
    assert service.predict(body).status == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/predict", {"POST"}),
        ("PUT", "/predict", {"POST"}),
        ("DELETE", "/model", {"GET", "HEAD"}),
        ("POST", "/health/live", {"GET", "HEAD"}),
    ],
)
def test_another_method(service: Service, method: str, path: str, allowed: set[str]) -> None:
    """Another method gets 405, which names the methods that exist."""
    reply = service.request(method, path)
    assert_problem(reply, 405)
    assert {name.strip() for name in reply.headers["allow"].split(",")} == allowed


@pytest.mark.parametrize("path", ["/nope", "/predict/", "/Predict", "/predict%00", "/../model"])
def test_another_path(service: Service, path: str) -> None:
    """Another path gets 404."""
    assert_problem(service.request("POST", path, b"{}"), 404)


def test_a_body_over_the_limit(service: Service) -> None:
    """A body of one byte more than 64 KiB gets 413, with a length or in chunks; at the limit it gets 200."""
    fitting = json.dumps(EXAMPLE).encode().ljust(65_536)
    assert service.predict(fitting).status == 200
    assert_problem(service.predict(fitting + b" "), 413)
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    with closing(connection):
        connection.request("POST", "/predict", iter([fitting, b" "]), encode_chunked=True)
        assert connection.getresponse().status == 413


def test_a_body_in_many_pieces(service: Service) -> None:
    """A body that arrives byte by byte is answered."""
    body = json.dumps(EXAMPLE).encode()
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body))
        for byte in body:
            connection.sendall(bytes([byte]))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(("path", "status"), [("/health/live", "live"), ("/health/ready", "ready")])
def test_health(service: Service, path: str, status: str) -> None:
    """Health gets 200 while the process lives and a model is loaded."""
    reply = service.request("GET", path)
    assert (reply.status, reply.document) == (200, {"status": status})


def test_a_head_has_no_body(service: Service) -> None:
    """HEAD gets the headers of GET and no body."""
    head, get = service.request("HEAD", "/model"), service.request("GET", "/model")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(get.body))


def test_the_bare_address_leads_to_the_page(service: Service) -> None:
    """The bare address redirects to the page."""
    reply = service.request("GET", "/")
    assert (reply.status, reply.headers["location"]) == (303, "/docs")


def test_the_model_tells_what_is_served(service: Service) -> None:
    """GET /model has version, digests, contract, features and quality."""
    document = service.request("GET", "/model").document
    assert len(document["version"]) == 64
    assert document["name"] == "penguin"
    assert msgspec.convert(document["contract"], Contract) == CONTRACT
    assert document["features"] == list(CONTRACT.features)
    assert document["contract"]["output"]["classes"] == list(CONTRACT.output.classes)
    assert [entry["name"] for entry in document["contract"]["inputs"]] == FIELDS
    assert {"unit", "minimum", "maximum"} <= set(document["contract"]["inputs"][0])
    assert document["certificate"]["rows"]["random"] >= 100_000
    assert document["certificate"]["instruction_sets"][0] == "baseline"
    assert document["tuning"]["block_from"] > 0
    assert document["bundle_version"].endswith(document["certificate"]["model_sha256"][:8])
    assert document["signed_by"] is None
    assert all(len(digest["sha256"]) == 64 for digest in document["files"].values())
    assert document["training"]["cross_validation"]["accuracy"] >= 0.988
    assert document["training"]["cross_validation"]["log_loss"] <= 0.035
