"""A line of the request log, whatever a client sends."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.answers.bundle_answers import BundleAnswers
from app.core.answer import Problem, problem
from app.core.prediction_record import PredictionRecord
from app.telemetry.log_lines import JsonLines, TextLines
from contract.schema import Contract, Input, Output
from score.bundle import Bundle
from tests.app.telemetry.exchanges import JSON, described_by, exchange
from tests.support.apples import APPLE, KINDS
from tests.support.commands import EXAMPLE

NASTY = [b"\n{}", b"\r\n", b"\x1b[31m", b"\xe2\x80\xa8", b"\xff\xfe", b'"}', b"%s %n", b"\x7f\x85", b"\\"]
TEXT = TextLines(described_by(None))
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
    for line in (JSON.line(told), TEXT.line(told)):
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


ANSWERS: dict[str, dict[str, Any]] = {
    "classes": {"use": "juice", "confidence": None, "set_size": 1},
    "binary": {"taste": "sour", "confidence": None, "set_size": 1},
    "label": {"taste": "sour"},
    "number": {"prediction": None},
    "numbers": {"prediction": None},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_has_the_answer_of_its_kind(apple_bundle: Callable[[str], Bundle], kind: str) -> None:
    """A line has the inputs as they were sent and the answer by its name: a class, or the first number."""
    bundle = apple_bundle(kind)
    answers = BundleAnswers(bundle.library, bundle.contract, "v1", None, bundle.uncertainty)
    sent = {**APPLE, "has stalk": False, "variety": "Crab & wild", "scab": None, "sugar/100 g": 8.5}
    seen = answers.predict(json.dumps(sent).encode()).prediction
    assert seen is not None
    described = described_by(bundle.contract)
    line = JsonLines("", 1, described).line(exchange(prediction=seen))
    logged = json.loads(line)["prediction"]
    assert line.count(b"\n") == 1
    assert logged["measurements"] == sent
    expected = ANSWERS[kind]
    known = {"distance", "in_distribution"} if kind in ("classes", "label", "number") else set()
    assert set(logged) == {"measurements", "model_version", *expected} | known
    for name, value in expected.items():
        assert logged[name] == (pytest.approx(seen.value, abs=1e-6) if value is None else value)
    text = TextLines(described).line(exchange(prediction=seen)).decode()
    words = [word for name, word in logged.items() if name in ("use", "taste")]
    words += [f"{seen.value:.4f}"] if kind != "label" else []
    assert text.endswith(f" 200 0.013 ms {' '.join(words)}\n")


def test_a_distance_that_does_not_exist_is_null() -> None:
    """The log of a row without a value has null as its distance, and is JSON."""
    contract = Contract(name="x", inputs=(Input("x", missing=True),), output=Output(kind="number"))
    seen = PredictionRecord((None,), 0, float("inf"), float("inf"), False, 0, "v1")
    logged = json.loads(JsonLines("", 1, described_by(contract)).line(exchange(prediction=seen)))["prediction"]
    assert logged["measurements"] == {"x": None}
    assert (logged["distance"], logged["prediction"], logged["in_distribution"]) == (None, None, False)


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[31m", "plain", "Adélie ペンギン", "\u2028"])
def test_the_name_of_a_class_breaks_no_line(name: str) -> None:
    """A text line is one line, whatever characters the name of a class has."""
    contract = Contract(name="x", inputs=(Input("x"),), output=Output(classes=(name, "other")))
    seen = PredictionRecord((1.0,), 0, 0.75, -1.0, False, 0, "v1")
    line = TextLines(described_by(contract)).line(exchange(prediction=seen)).decode()
    assert line[:-1].isprintable()
    assert len(line.splitlines()) == 1
    assert line.endswith(" 0.7500\n")
    logged = json.loads(JsonLines("", 1, described_by(contract)).line(exchange(prediction=seen)))
    assert logged["prediction"]["class"] == name
