"""Answers to requests that never reach a handler. They are made once, at import."""

from http import HTTPStatus

import msgspec

from app.core.answer import CLOSE, PROBLEM_JSON, Answer, Problem, problem, retry_after
from app.core.protocol import protocol_error

_decode_problem = msgspec.json.Decoder(Problem).decode
RETRY = retry_after(1)


def _refusal(status: int, detail: str, *headers: tuple[bytes, bytes], reason: str = "") -> Answer:
    return problem(Problem(HTTPStatus(status).phrase, status, detail), list(headers), reason)


# These leave the connection open: the end of the request is known.
OVERLOADED = _refusal(
    503, "more work than this server can answer in time; try again in a second", RETRY, reason="overload"
)
UNKNOWN_EXPECTATION = _refusal(417, "the only expectation that is met is '100-continue'", CLOSE)

# These end the connection: the end of the request is unknown, so the next request cannot be found.
MALFORMED = _refusal(400, "not a valid HTTP/1.1 request", CLOSE)
HOST = _refusal(400, "expected one valid Host header", CLOSE)
TARGET = _refusal(400, "expected a path, such as /predict, after the method", CLOSE)
ENDED_EARLY = _refusal(400, "the connection ended before the request did", CLOSE)
TRANSFER_ENCODING_1_0 = _refusal(400, "HTTP/1.0 has no Transfer-Encoding; send Content-Length", CLOSE)
TRANSFER_ENCODING = _refusal(501, "the only transfer encoding that is known is 'chunked'", CLOSE)
UNKNOWN_METHOD = _refusal(501, "no such method is known; GET /docs lists what there is", CLOSE)
VERSION = _refusal(505, "expected HTTP/1.1 or HTTP/1.0", CLOSE)
TOO_SLOW = _refusal(408, "the request did not arrive in time", CLOSE)
FULL = _refusal(503, "too many open connections; try again in a second", RETRY, CLOSE, reason="connections")
PIPELINED = _refusal(
    503, "too many requests sent ahead of their answers; wait for some", RETRY, CLOSE, reason="pipelined"
)
HELD = _refusal(
    503, "too much is waiting for slow clients; send the whole request at once, or later", RETRY, CLOSE, reason="held"
)
FAILED = _refusal(500, "the service failed; the operator's log says why", CLOSE)


def request_line_too_long(most: int) -> Answer:
    """Return a 414."""
    return _refusal(414, f"the request line is longer than {most} bytes", CLOSE)


def headers_too_large(most: int, lines: int) -> Answer:
    """Return a 431."""
    return _refusal(431, f"the headers are larger than {most} bytes, or more than {lines}", CLOSE)


def too_many_requests(wait_seconds: float) -> Answer:
    """Return a 429 with Retry-After."""
    return _later(429, "more requests than one client may send", wait_seconds, "rate")


def too_long_a_line(wait_seconds: float) -> Answer:
    """Return a 503 with Retry-After, for work that others are waiting for already."""
    return _later(503, "others wait for the same work, and each takes its time", wait_seconds, "overload")


def _later(status: int, why: str, wait_seconds: float, reason: str) -> Answer:
    header = retry_after(wait_seconds)
    return _refusal(status, f"{why}; try again in {header[1].decode()} s", header, reason=reason)


def last(answer: Answer) -> Answer:
    """Return the same refusal as the last answer of its connection."""
    return answer if CLOSE in answer.headers else msgspec.structs.replace(answer, headers=[*answer.headers, CLOSE])


def in_protocol_form(answer: Answer) -> Answer:
    """Return the same refusal in the form of the Open Inference Protocol."""
    if answer.headers[:1] != PROBLEM_JSON:
        return answer
    detail = _decode_problem(answer.body).detail
    headers = [header for header in answer.headers if header[0] != b"content-type"]
    return protocol_error(answer.status, detail, headers, answer.reason)
