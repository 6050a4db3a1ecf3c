"""HTTP/1.1 as RFC 9112 demands it, and RFC 9110 where it says what requests mean."""

import pytest

from tests.app.http.conformance.case import Case
from tests.app.http.conformance.cases import CASES
from tests.app.http.conformance.conversation import check_end, converse
from tests.app.http.conformance.doors import DOORS, OURS, Door
from tests.app.http.conformance.messages import LIVE, MODEL, PREDICT, get
from tests.support.wire import Wire


@pytest.mark.parametrize(
    ("door", "case"),
    [
        pytest.param(door, case, id=f"{door}-{case.name}")
        for door in DOORS
        for case in CASES
        if case.anywhere or door in OURS
    ],
    indirect=["door"],
)
def test_conformance(door: Door, case: Case) -> None:
    """Every door that a case concerns gives the answers that the case expects."""
    before = len(door.said())
    with Wire(door.port) as wire:
        last = converse(wire, case)
        check_end(wire, case, last)
    assert "Traceback" not in door.said()[before:], door.said()[before:]


@pytest.mark.parametrize("door", OURS, indirect=True)
@pytest.mark.parametrize("path", [b"/health/live", b"/model", b"/openapi.json"])
def test_head_has_the_headers_of_get(door: Door, path: bytes) -> None:
    """HEAD has all headers of GET except the date (9110 §9.3.2)."""
    with Wire(door.port) as wire:
        wire.send(get(path, method=b"HEAD") + get(path))
        head, whole = wire.response(head=True), wire.response()
    assert [field for field in head.headers if field[0] != "date"] == [
        field for field in whole.headers if field[0] != "date"
    ]


@pytest.mark.parametrize("door", OURS, indirect=True)
def test_no_answer_names_the_server(door: Door) -> None:
    """No answer has a Server header: neither a good one, nor an error of the application or of the protocol."""
    for request in (LIVE, MODEL, PREDICT, get(b"/nope"), get(b"/predict"), b"BAD\r\n\r\n"):
        assert not door.ask(request).values("server")
