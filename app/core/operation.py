"""An operation: a function from a request's body to an answer, and the rules for the request's headers.

The function never blocks and never awaits. The Starlette route and the fast path call the same one.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from app.core.answer import CLOSE, Answer, Problem, problem
from app.core.protocol import protocol_error

Handler = Callable[[bytes | bytearray], Answer]
Receipt = Callable[[Callable[[], float]], Handler]  # makes a handler from the request's arrival time: core/receipt.py

KNOWN_VALUES = 256  # valid values of one header that are remembered; further ones are checked each time
TIMING = b"server-timing"  # the response header of a receipt, and the value of Prefer that asks for one
MAX_DIGITS = 20  # enough for any length below 2 to the power of 64

# Parameters are allowed and ignored: JSON defines none (RFC 8259, section 11).
_JSON_TYPE = re.compile(rb"application/(?:json|[a-z0-9.-]+\+json)[ \t]*(?:;[\t -~]*)?", re.I)
_NOT_JSON = problem(
    Problem("Unsupported Media Type", 415, "expected JSON: send the header 'content-type: application/json', or none")
)
_ENCODED = problem(
    Problem("Unsupported Media Type", 415, "expected a body without Content-Encoding: send it uncompressed"),
    [(b"accept-encoding", b"identity")],
)


class KnownValues:
    """A cache of valid values of one header, so that a repeated value is checked only once."""

    def __init__(self, valid: Callable[[bytes], bool]) -> None:
        self._valid = valid
        self.seen: set[bytes | None] = set()

    def check(self, value: bytes) -> bool:
        """Return whether `value` is valid, and remember it if so."""
        valid = self._valid(value)
        if valid and len(self.seen) < KNOWN_VALUES:
            self.seen.add(value)
        return valid


class BodyLimit:
    """The largest body of an operation, and what a client should do who sends more.

    It changes once, when the contract of the service is known.
    """

    __slots__ = ("advice", "max_bytes")

    def __init__(self, max_bytes: int, advice: str = "") -> None:
        self.max_bytes = max_bytes
        self.advice = advice


class Operation(NamedTuple):
    """A method, its handler and the rules for its requests.

    `body` limits the body. If `json`, a body of another media type is refused. If `always`, the operation
    is answered under overload too. `route` is the path. `receipt` makes a handler that also reports its timing.
    """

    method: bytes
    handler: Handler
    body: BodyLimit
    json: bool = False
    always: bool = False
    route: str = ""
    receipt: Receipt | None = None


def content_length(value: bytes) -> int:
    """Return the value of a content-length header that the parser has accepted.

    It may have many leading zeros: int() refuses more than 4,300 digits.
    """
    return int(value) if len(value) < MAX_DIGITS else int(value.lstrip(b"0") or b"0")


def too_large(operation: Operation) -> Answer:
    """Return a 413 answer. It closes the connection, because the rest of the body is not read."""
    limit = operation.body
    detail = f"the body is larger than {limit.max_bytes} bytes{limit.advice}"
    if operation.route.startswith("/v2/"):
        return protocol_error(413, detail, [CLOSE])
    return problem(Problem("Content Too Large", 413, detail), [CLOSE])


def encoded(content_encoding: bytes | None) -> bool:
    """Return whether this Content-Encoding says that the body is compressed. None means that the header is absent."""
    return content_encoding is not None and content_encoding.strip().lower() != b"identity"


def unsupported(content_type: bytes | None, content_encoding: bytes | None) -> Answer | None:
    """Return a 415 answer if the headers say that the body is not plain JSON, else None. Absent headers are None."""
    if encoded(content_encoding):
        return _ENCODED
    if content_type not in JSON_TYPES.seen and not JSON_TYPES.check(content_type or b""):
        return _NOT_JSON
    return None


def prefers_timing(fields: dict[bytes, bytes]) -> bool:
    """Return whether the client asks for a receipt with the header Prefer (RFC 7240)."""
    preferences = fields.get(b"prefer")
    return preferences is not None and TIMING in [each.strip().lower() for each in preferences.split(b",")]


def prepare(
    operation: Operation, fields: dict[bytes, bytes], received: Callable[[], float], *, timed: bool
) -> tuple[Operation, Answer | None]:
    """Return the operation to run for a request with these header fields, and the answer that refuses it, or None.

    `received` returns when the request's last byte arrived, on the clock of time.monotonic. If `timed`, every answer
    has a receipt; else only those of clients that ask for one.
    """
    refusal = None
    if operation.json:
        refusal = unsupported(fields.get(b"content-type"), fields.get(b"content-encoding"))
    if refusal is None and content_length(fields.get(b"content-length", b"0")) > operation.body.max_bytes:
        refusal = too_large(operation)
    if operation.receipt is not None and (timed or prefers_timing(fields)):
        operation = operation._replace(handler=operation.receipt(received))
    return operation, refusal


# Lifetime: process. An absent header is valid too.
JSON_TYPES = KnownValues(lambda value: _JSON_TYPE.fullmatch(value) is not None)
JSON_TYPES.seen.add(None)
