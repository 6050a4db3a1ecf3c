"""A request as one line: JSON in Cloud Logging's form, or text for a person.

What came from the client is data: printable ASCII stays as it is, all else is written as an escape. So no line of ours
can be broken, forged, or make a terminal do anything.
"""

import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from app.answer import Problem
from app.exchange import Exchange, parsed
from app.trace_context import trace_context
from contract.features import MEASUREMENT_NAMES
from contract.species import SPECIES

SHOWN = 512  # characters of a client's value
TRACE, SPAN, SAMPLED = (f"logging.googleapis.com/{name}" for name in ("trace", "spanId", "trace_sampled"))
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


def shown(value: bytes | str) -> str:
    """A client's value in printable ASCII, and not too long."""
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    if len(text) <= SHOWN and text.isascii() and text.isprintable():  # nearly all, and much faster
        return text
    cut = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
    return cut.encode("ascii", "backslashreplace").decode().translate(_ESCAPES)


def severity(status: int) -> str:
    """As Cloud Logging names it."""
    return "INFO" if status < 400 else "WARNING" if status < 500 else "ERROR"


def client_address(exchange: Exchange, headers: dict[bytes, bytes], trusted_proxies: int) -> str:
    """What the outermost trusted proxy saw, or the peer."""
    hops = headers.get(b"x-forwarded-for", b"").split(b",")
    if trusted_proxies and hops != [b""]:
        return shown(hops[-min(trusted_proxies, len(hops))].strip())
    return exchange.client[0] if exchange.client else ""


class JsonLines:
    """Makes lines for Cloud Logging. `project` names traces as Google does."""

    def __init__(self, project: str, trusted_proxies: int) -> None:
        self._traces = f"projects/{shown(project)}/traces/" if project else ""
        self._trusted_proxies = trusted_proxies

    def line(self, raw: Exchange) -> bytes:
        """One, with its newline."""
        exchange = parsed(raw)
        headers = dict(exchange.headers)
        method, target = shown(exchange.method), shown(exchange.target)
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
            document["prediction"] = _prediction(exchange)
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
            "requestSize": shown(headers.get(b"content-length", b"0")),
            "responseSize": str(exchange.answer_bytes),
            "latency": f"{exchange.seconds:.9f}s",
            "remoteIp": client_address(exchange, headers, self._trusted_proxies),
            "protocol": f"HTTP/{shown(exchange.version)}",
        }
        if b"user-agent" in headers:
            request["userAgent"] = shown(headers[b"user-agent"])
        return request


def _prediction(exchange: Exchange) -> dict[str, object]:
    prediction = exchange.prediction
    assert prediction is not None
    summary: dict[str, object] = {
        "measurements": dict(zip(MEASUREMENT_NAMES, prediction.row, strict=True)),
        "species": SPECIES[prediction.label],
        "confidence": round(prediction.probability, 6),
    }
    if prediction.set_size:
        summary["set_size"] = prediction.set_size
        summary["in_distribution"] = prediction.in_distribution
        summary["distance"] = round(prediction.distance, 3)
    if prediction.model_version:
        summary["model_version"] = shown(prediction.model_version)
    return summary


def _detail(body: bytes) -> str:
    try:
        return shown(msgspec.json.decode(body, type=Problem).detail)
    except (msgspec.DecodeError, UnicodeDecodeError):  # the protocol's form
        return shown(body)


class TextLines:
    """Makes lines for a person at a terminal."""

    def line(self, raw: Exchange) -> bytes:
        """One, with its newline."""
        exchange = parsed(raw)
        clock = time.strftime("%H:%M:%S", time.localtime(exchange.ended))
        words = [clock, shown(exchange.method), shown(exchange.target), str(exchange.status)]
        words.append(f"{exchange.seconds * 1e3:.3f} ms")
        if exchange.prediction is not None:
            words += [SPECIES[exchange.prediction.label], f"{exchange.prediction.probability:.4f}"]
        if exchange.status >= 400 and exchange.answer is not None:
            words.append(_detail(exchange.answer.body))
        return " ".join(words).encode() + b"\n"
