"""A request as one log line: JSON in Cloud Logging's form, or text for a person.

Values from the client are written as printable ASCII; every other character is escaped. So a client cannot break a
line, forge one or send control codes to a terminal.
"""

import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from app.core.answer import Problem
from app.core.prediction_record import PredictionRecord
from app.telemetry.described import Described
from app.telemetry.exchange import Exchange, parsed
from app.telemetry.trace_context import trace_context

PRINTABLE_CHARACTERS = 512  # of a client's value; the rest is cut
TRACE, SPAN, SAMPLED = (f"logging.googleapis.com/{name}" for name in ("trace", "spanId", "trace_sampled"))
_decode_problem = msgspec.json.Decoder(Problem).decode
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


def printable(value: bytes | str) -> str:
    """Return a client's value in printable ASCII, cut to PRINTABLE_CHARACTERS."""
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    if len(text) <= PRINTABLE_CHARACTERS and text.isascii() and text.isprintable():  # nearly all, and much faster
        return text
    cut = text if len(text) <= PRINTABLE_CHARACTERS else f"{text[:PRINTABLE_CHARACTERS]}..."
    return cut.encode("ascii", "backslashreplace").decode().translate(_ESCAPES)


def severity(status: int) -> str:
    """Return the severity in Cloud Logging's words."""
    return "INFO" if status < 400 else "WARNING" if status < 500 else "ERROR"


def client_address(exchange: Exchange, headers: dict[bytes, bytes], trusted_proxies: int) -> str:
    """Return the address that the outermost trusted proxy saw, or the peer's."""
    hops = headers.get(b"x-forwarded-for", b"").split(b",")
    if trusted_proxies and hops != [b""]:
        return printable(hops[-min(trusted_proxies, len(hops))].strip())
    return exchange.client[0] if exchange.client else ""


class JsonLines:
    """Lines for Cloud Logging. `project` is the Google Cloud project in the names of traces."""

    def __init__(self, project: str, trusted_proxies: int, described: Described) -> None:
        self._described = described
        self._traces = f"projects/{printable(project)}/traces/" if project else ""
        self._trusted_proxies = trusted_proxies

    def line(self, raw: Exchange) -> bytes:
        """Return the line of one exchange, with its newline."""
        exchange = parsed(raw)
        headers = dict(exchange.headers)
        method, target = printable(exchange.method), printable(exchange.target)
        document: dict[str, Any] = {
            "severity": severity(exchange.status),
            "message": f"{method} {target} {exchange.status}",
            "time": datetime.fromtimestamp(exchange.ended, UTC).isoformat(),
            "httpRequest": self._http_request(exchange, headers, method, target),
            "microseconds": round(exchange.seconds * 1e6, 1),
        }
        context = trace_context(headers)
        if context:
            document[TRACE] = self._traces + context.trace
            if context.span:
                document[SPAN] = context.span
            document[SAMPLED] = context.sampled
        if exchange.prediction is not None:
            document["prediction"] = self._prediction(exchange.prediction)
        if exchange.status >= 400 and exchange.answer is not None:
            document["detail"] = _detail(exchange.answer.body)
        return orjson.dumps(document) + b"\n"

    def _http_request(
        self, exchange: Exchange, headers: dict[bytes, bytes], method: str, target: str
    ) -> dict[str, str | int]:
        request: dict[str, str | int] = {
            "requestMethod": method,
            "requestUrl": target,
            "status": exchange.status,
            "requestSize": printable(headers.get(b"content-length", b"0")),
            "responseSize": str(exchange.answer_bytes),
            "latency": f"{exchange.seconds:.9f}s",
            "remoteIp": client_address(exchange, headers, self._trusted_proxies),
            "protocol": f"HTTP/{printable(exchange.version)}",
        }
        if b"user-agent" in headers:
            request["userAgent"] = printable(headers[b"user-agent"])
        return request

    def _prediction(self, prediction: PredictionRecord) -> dict[str, object]:
        summary: dict[str, object] = {
            "measurements": self._described.inputs(prediction),
            **self._described.answer(prediction),
        }
        if prediction.set_size:
            summary["set_size"] = prediction.set_size
        if prediction.distance >= 0:
            summary["in_distribution"] = prediction.in_distribution
            summary["distance"] = round(prediction.distance, 3)
        if prediction.model_version:
            summary["model_version"] = printable(prediction.model_version)
        return summary


def _word(value: str | float) -> str:
    """Return a class or a number as text, in printable characters."""
    if isinstance(value, float):
        return f"{value:.4f}"
    return value if value.isprintable() else value.encode("unicode_escape").decode()


def _detail(body: bytes) -> str:
    try:
        return printable(_decode_problem(body).detail)
    except (msgspec.DecodeError, UnicodeDecodeError):  # the protocol's form
        return printable(body)


class TextLines:
    """Lines for a person at a terminal."""

    def __init__(self, described: Described) -> None:
        self._described = described

    def line(self, raw: Exchange) -> bytes:
        """Return the line of one exchange, with its newline."""
        exchange = parsed(raw)
        clock = time.strftime("%H:%M:%S", time.localtime(exchange.ended))
        words = [clock, printable(exchange.method), printable(exchange.target), str(exchange.status)]
        words.append(f"{exchange.seconds * 1e3:.3f} ms")
        if exchange.prediction is not None:
            words += map(_word, self._described.answer(exchange.prediction).values())
        if exchange.status >= 400 and exchange.answer is not None:
            words.append(_detail(exchange.answer.body))
        return " ".join(words).encode() + b"\n"
