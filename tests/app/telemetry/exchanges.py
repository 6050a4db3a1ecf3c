"""Records of requests, as telemetry gets them."""

from typing import Any

from app.telemetry.exchange import Exchange
from app.telemetry.log_lines import JsonLines

JSON = JsonLines("some-project", 1)


def exchange(status: int = 200, **parts: Any) -> Exchange:
    """Make one record with what the test is about."""
    usual = Exchange(
        ended=1.7e9,
        seconds=12.5e-6,
        head=b"",
        method=b"POST",
        target=b"/predict",
        version="1.1",
        headers=[],
        client=("127.0.0.1", 5),
        status=status,
        answer_bytes=148,
        answer=None,
        prediction=None,
    )
    return usual._replace(**parts)
