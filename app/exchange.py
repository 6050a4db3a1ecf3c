"""A request and its answer, as a log line or a span needs them: kept as they are, made readable only then."""

from typing import NamedTuple

from app.answer import Answer, Headers
from app.observed import Prediction

PROTOCOLS = {"1.0": "HTTP/1.0", "1.1": "HTTP/1.1"}


class Exchange(NamedTuple):
    """`head` is the request's head where the parser has not seen it: method, target, version and headers are in it.

    `ended` is in seconds since 1970.
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
    prediction: Prediction | None


def parsed(exchange: Exchange) -> Exchange:
    """With its head in parts. The head was found in order once."""
    if not exchange.head:
        return exchange
    first, *lines = exchange.head.rstrip(b"\r\n").split(b"\r\n")
    method, target, version = first.split(b" ")
    headers = [(name.lower(), value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines)]
    return exchange._replace(head=b"", method=method, target=target, version=version[5:].decode(), headers=headers)
