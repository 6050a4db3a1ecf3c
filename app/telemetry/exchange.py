"""A request and its answer, as a log line or a span needs them. The head is parsed only when a line is made."""

import time
from typing import NamedTuple

from app.core.answer import Answer, Headers
from app.core.prediction_record import PredictionRecord


class Exchange(NamedTuple):
    """One request with its answer.

    `head` is the raw head of a plain request; then `method`, `target` and `headers` are empty. `ended` is in seconds
    since 1970, `seconds` from the last byte received to the answer.
    """

    ended: float
    seconds: float
    head: bytes
    method: bytes
    target: bytes
    version: str
    headers: Headers
    client: tuple[str, int] | None
    status: int
    answer_bytes: int
    answer: Answer | None
    prediction: PredictionRecord | None


def plain_exchange(source: tuple[tuple[str, int] | None, bytes], answer: Answer, seconds: float) -> Exchange:
    """Return the exchange of a plain request, which is given as its client and its head."""
    client, head = source
    return Exchange(
        ended=time.time(),
        seconds=seconds,
        head=head,
        method=b"",
        target=b"",
        version="1.1",
        headers=[],
        client=client,
        status=answer.status,
        answer_bytes=len(answer.body),
        answer=answer,
        prediction=answer.prediction,
    )


def parsed(exchange: Exchange) -> Exchange:
    """Return the same exchange with the head parsed."""
    if not exchange.head:
        return exchange
    method, target, headers = parts(exchange.head)
    return exchange._replace(head=b"", method=method, target=target, headers=headers)


class Head(NamedTuple):
    """The parts of a plain head. Names are in lower case."""

    method: bytes
    target: bytes
    headers: Headers


def parts(head: bytes) -> Head:
    """Return the parts of what `plain_head` has matched."""
    first, *lines = head.rstrip(b"\r\n").split(b"\r\n")
    method, target, _ = first.split(b" ")
    named = (line.partition(b":") for line in lines)
    return Head(method, target, [(name.lower(), value.strip(b" \t")) for name, _, value in named])
