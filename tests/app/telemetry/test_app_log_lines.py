"""A line of the request log, whatever a client sends."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.answer import Problem, problem
from app.core.prediction_record import PredictionRecord
from app.telemetry.log_lines import TextLines
from tests.app.telemetry.exchanges import JSON, exchange
from tests.support.commands import EXAMPLE

NASTY = [b"\n{}", b"\r\n", b"\x1b[31m", b"\xe2\x80\xa8", b"\xff\xfe", b'"}', b"%s %n", b"\x7f\x85", b"\\"]
BYTES = st.binary(max_size=60) | st.sampled_from(NASTY) | st.text(max_size=30).map(lambda text: text.encode())


@given(BYTES, BYTES, BYTES, BYTES, BYTES, st.text())
def test_a_line_cannot_be_forged(
    method: bytes, target: bytes, name: bytes, data: bytes, agent: bytes, detail: str
) -> None:
    """Every line is one JSON object in printable ASCII, and as text one printable line."""
    told = exchange(
        400,
        method=method,
        target=target,
        headers=[(name, data), (b"user-agent", agent), (b"traceparent", data), (b"x-forwarded-for", data)],
        answer=problem(Problem("Bad Request", 400, detail)),
    )
    for line in (JSON.line(told), TextLines().line(told)):
        assert line.endswith(b"\n")
        assert all(32 <= byte < 127 for byte in line[:-1])
    document = json.loads(JSON.line(told))
    assert document["httpRequest"]["status"] == 400
    assert document["severity"] == "WARNING"


def test_a_plain_head_is_read() -> None:
    """The log reads a plain head as the parser would."""
    head = b"POST /predict?a=%20 HTTP/1.1\r\nHost:  x\r\nUser-Agent: field/1.0 \r\nContent-Length: 94\r\n\r\n"
    http = json.loads(JSON.line(exchange(head=head, method=b"", target=b"", version="1.1")))["httpRequest"]
    assert (http["requestMethod"], http["requestUrl"], http["protocol"]) == ("POST", "/predict?a=%20", "HTTP/1.1")
    assert (http["userAgent"], http["requestSize"]) == ("field/1.0", "94")


TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("header", "sent", "found"),
    [
        ("traceparent", f"00-{TRACE}-{SPAN}-01", (SPAN, True)),
        ("traceparent", f"00-{TRACE}-{SPAN}-00", (SPAN, False)),
        ("traceparent", f"cc-{TRACE}-{SPAN}-01-more", (SPAN, True)),
        ("traceparent", f"00-{TRACE}-{SPAN}-01-more", None),
        ("traceparent", f"ff-{TRACE}-{SPAN}-01", None),
        ("traceparent", f"00-{'0' * 32}-{SPAN}-01", None),
        ("traceparent", f"00-{TRACE.upper()}-{SPAN}-01", None),
        ("x-cloud-trace-context", f"{TRACE}/13235353014750950193;o=1", (SPAN, True)),
        ("x-cloud-trace-context", f"{TRACE}/0;o=0", (None, False)),
        ("x-cloud-trace-context", f"{TRACE}", (None, False)),
        ("x-cloud-trace-context", f"{TRACE}/99999999999999999999", (None, False)),
        ("x-cloud-trace-context", "x" * 32, None),
    ],
)
def test_the_trace(header: str, sent: str, found: tuple[str | None, bool] | None) -> None:
    """A trace from either header has Cloud Logging's form, and an invalid one is left out."""
    document = json.loads(JSON.line(exchange(headers=[(header.encode(), sent.encode())])))
    if found is None:
        assert "logging.googleapis.com/trace" not in document
    else:
        assert document["logging.googleapis.com/trace"] == f"projects/some-project/traces/{TRACE}"
        assert document.get("logging.googleapis.com/spanId") == found[0]
        assert document["logging.googleapis.com/trace_sampled"] is found[1]


def test_what_a_prediction_was() -> None:
    """A line of a prediction has its input, answer and flags."""
    seen = PredictionRecord((39.1, 18.7, 181.0, 3750.0), 2, 0.99, 1.25, False, 2, "v1")
    assert json.loads(JSON.line(exchange(prediction=seen)))["prediction"] == {
        "measurements": EXAMPLE,
        "species": "Adelie",
        "confidence": 0.99,
        "set_size": 2,
        "in_distribution": False,
        "distance": 1.25,
        "model_version": "v1",
    }
