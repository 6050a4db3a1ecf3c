"""A client without mercy: it plays a case to a server, and checks every answer and the end of the connection."""

import time
from collections import deque
from email.utils import parsedate_to_datetime

from tests.app.http.conformance.case import ALIVE, Case, Want
from tests.app.http.conformance.messages import LIVE
from tests.support.wire import Response, Wire


def converse(wire: Wire, case: Case) -> Response | None:
    """Play the steps of a case, check each answer, and return the last one."""
    wants = deque(case.wants)
    last = None
    for step in case.steps:
        if isinstance(step, bytes):
            wire.send(step)
        elif step == "finish":
            wire.finish()
        else:
            last = check(wire.response(head=wants[0].head), wants.popleft())
    return read_rest(wire, wants) or last


def read_rest(wire: Wire, wants: deque[Want]) -> Response | None:
    """Check the remaining answers, and return the last one."""
    last = response = None
    for want in wants:
        if want.maybe and not response and wire.quiet(0.3):
            continue
        response = response or wire.response_or_end(head=want.head)
        if want.maybe and (not response or response.status not in want.statuses):
            continue
        assert response, f"closed instead of {want}"
        last, response = check(response, want), None
    assert not response, f"also answered: {response}"
    return last


def check(response: Response, want: Want) -> Response:
    """Check one answer, and return it."""
    assert response.status in want.statuses, response
    assert want.body in response.body
    assert all(response.values(name) for name in want.headers), response
    if response.status >= 200:
        check_always(response)
    if response.status >= 400 and not want.head:
        assert response.values("content-type") == ["application/problem+json"], response
        assert response.document["status"] == response.status
    return response


def check_always(response: Response) -> None:
    """Check what every final answer must have: a date (9110 §6.6.1), and Allow with 405 (§15.5.6)."""
    (date,) = response.values("date")
    assert date.endswith(" GMT")
    assert abs(parsedate_to_datetime(date).timestamp() - time.time()) < 60
    assert response.status != 405 or response.values("allow"), response


def check_end(wire: Wire, case: Case, last: Response | None) -> None:
    """Check that the connection ends as its last answer says and without a reset, or answers another request."""
    finished = "finish" in case.steps
    closes = finished or last is None or last.closes
    if case.end != "either":
        assert closes == (case.end == "closed"), last
    if closes:
        assert (wire.read_all(), wire.reset) == (b"", False)
    else:
        wire.send(LIVE)
        assert wire.response().body == ALIVE.body
