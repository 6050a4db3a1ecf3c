"""What a handler returns: a status, headers and a body. It does not depend on any HTTP server."""

import math
from typing import Any, Literal

import msgspec

from app.core.prediction_record import PredictionRecord
from score.faults import FieldError

Headers = list[tuple[bytes, bytes]]

JSON: Headers = [(b"content-type", b"application/json")]
# An ASGI extension: a function that is called with an Answer. It returns True if it has written the answer itself.
ANSWER_EXTENSION = "penguins.answer"
CLOSE = (b"connection", b"close")
PROBLEM_JSON: Headers = [(b"content-type", b"application/problem+json")]


class Answer(msgspec.Struct, frozen=True, gc=False):
    """An HTTP response. `headers` have no content-length: the connection adds it.

    `rest` holds further pieces of the body, which are sent after `body`: a large answer is never joined into one piece.
    `prediction` is the record for metrics and logs. `reason` names the limit that refused the request; it is empty if
    no limit did.
    """

    status: int
    headers: Headers
    body: bytes
    prediction: PredictionRecord | None = None
    rest: tuple[bytes | bytearray, ...] = ()
    reason: str = ""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem document (RFC 9457). `title` names the status; `detail` says what is wrong and how to fix it.

    `errors` lists every faulty field. `suggestion` is a corrected body; it is present if one typical mistake, such as a
    wrong unit, explains all errors.
    """

    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
    suggestion: dict[str, Any] | None = None


class Health(msgspec.Struct, frozen=True):
    """The state of the service: `live` means that the process answers, `ready` means that it can predict."""

    status: Literal["live", "ready"]


def problem(document: Problem, headers: Headers | None = None, reason: str = "") -> Answer:
    """Return an answer with this problem document as its body and `document.status` as its status."""
    return Answer(document.status, PROBLEM_JSON + (headers or []), msgspec.json.encode(document), reason=reason)


def retry_after(wait_seconds: float) -> tuple[bytes, bytes]:
    """Return the header that says when to try again: in whole seconds, at least one."""
    return b"retry-after", b"%d" % max(1, math.ceil(wait_seconds))


def with_header(answer: Answer, header: tuple[bytes, bytes]) -> Answer:
    """Return a copy of an answer with one more header."""
    return msgspec.structs.replace(answer, headers=[*answer.headers, header])


def json_answer(document: object) -> Answer:
    """Return a 200 answer with `document` as its JSON body."""
    return Answer(200, JSON, msgspec.json.encode(document))
