"""What a connection is told when a request never reaches a handler: made once, at import."""

import math
from http import HTTPStatus

import msgspec

from app.answer import CLOSE, Answer, Problem, problem
from app.protocol import protocol_error

RETRY_SECONDS = 1
RETRY = (b"retry-after", b"%d" % RETRY_SECONDS)


def _refusal(status: int, detail: str, *headers: tuple[bytes, bytes]) -> Answer:
    return problem(Problem(HTTPStatus(status).phrase, status, detail), list(headers))


# The request is understood and the connection goes on.
OVERLOADED = _refusal(503, "more work than this server can answer in time; try again in a second", RETRY)
UNKNOWN_EXPECTATION = _refusal(417, "the only expectation that is met is '100-continue'", CLOSE)

# These end the connection: what follows on it could not be told from the rest of this request.
MALFORMED = _refusal(400, "not a valid HTTP/1.1 request", CLOSE)
HOST = _refusal(400, "expected one valid Host header", CLOSE)
TARGET = _refusal(400, "expected a path, such as /predict, after the method", CLOSE)
ENDED_EARLY = _refusal(400, "the connection ended before the request did", CLOSE)
TRANSFER_ENCODING_1_0 = _refusal(400, "HTTP/1.0 has no Transfer-Encoding; send Content-Length", CLOSE)
TRANSFER_ENCODING = _refusal(501, "the only transfer encoding that is known is 'chunked'", CLOSE)
UNKNOWN_METHOD = _refusal(501, "no such method is known; GET /docs lists what there is", CLOSE)
VERSION = _refusal(505, "expected HTTP/1.1 or HTTP/1.0", CLOSE)
TOO_SLOW = _refusal(408, "the request did not arrive in time", CLOSE)
FULL = _refusal(503, "too many open connections; try again in a second", RETRY, CLOSE)
PIPELINED = _refusal(503, "too many requests sent ahead of their answers; wait for some", RETRY, CLOSE)
FAILED = _refusal(500, "the service failed; the operator's log says why", CLOSE)


def request_line_too_long(most: int) -> Answer:
    """414."""
    return _refusal(414, f"the request line is longer than {most} bytes", CLOSE)


def headers_too_large(most: int) -> Answer:
    """431."""
    return _refusal(431, f"the headers are larger than {most} bytes", CLOSE)


def too_many_requests(wait_seconds: float) -> Answer:
    """429, with when to come again."""
    seconds = math.ceil(wait_seconds)
    detail = f"more requests than one client may send; try again in {seconds} s"
    return _refusal(429, detail, (b"retry-after", b"%d" % seconds))


def in_protocol_form(answer: Answer) -> Answer:
    """The same refusal as the Open Inference Protocol words errors."""
    detail = msgspec.json.decode(answer.body, type=Problem).detail
    return protocol_error(answer.status, detail, [header for header in answer.headers if header[0] != b"content-type"])
