"""An operation that never waits: a function from a request's body to an answer, and what it asks of the request.

The Starlette route and the fast path both call the same function.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from app.answer import CLOSE, Answer, Problem, problem

Handler = Callable[[bytes | bytearray], Answer]
Receipt = Callable[[Callable[[], float]], Handler]  # app/receipt.py: from when the request came

_JSON_TYPE = re.compile(rb'application/(?:json|[a-z0-9.-]+\+json)(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?', re.I)
_NOT_JSON = problem(
    Problem("Unsupported Media Type", 415, "expected JSON: send the header 'content-type: application/json', or none")
)
_ENCODED = problem(
    Problem("Unsupported Media Type", 415, "expected a body without Content-Encoding: send it uncompressed"),
    [(b"accept-encoding", b"identity")],
)


class Operation(NamedTuple):
    """`json`: a body of another media type is refused. `always`: answered under overload too. `route`: its path."""

    method: bytes
    handler: Handler
    max_body_bytes: int
    json: bool = False
    always: bool = False
    route: str = ""
    receipt: Receipt | None = None


def too_large(max_body_bytes: int) -> Answer:
    """413, which ends the connection: the rest of the body is not read."""
    detail = f"the body is larger than {max_body_bytes} bytes; send one bird a request"
    return problem(Problem("Content Too Large", 413, detail), [CLOSE])


def unsupported(content_type: bytes | None, content_encoding: bytes | None) -> Answer | None:
    """415 for a body that is not plain JSON by its headers; both may be absent."""
    if content_encoding is not None and content_encoding.lower() != b"identity":
        return _ENCODED
    if content_type is not None and not _JSON_TYPE.fullmatch(content_type):
        return _NOT_JSON
    return None
