"""The receipt of a request: how long it waited, and how long its decoding, prediction and encoding took.

Asked for with the header `Prefer: server-timing`, or for all requests by the setting SERVER_TIMING. The steps are those
of the usual handler, made anew with clocks around two of them. Who does not ask pays nothing.
"""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from app.answer import Answer
from app.operation import Handler, Receipt

Step = Callable[[Any], Any]
Make = Callable[[Step, Step], Handler]  # a handler from a function that decodes and one that encodes
Received = Callable[[], float]  # when the request's last byte came, by time.monotonic

TIMING = b"server-timing"
_now = time.monotonic


class Clock:
    """A step that notes when it began and ended. Nothing waits while a handler runs, so one is enough."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self.begun = self.ended = 0.0

    def __call__(self, argument: Any) -> Any:
        """The step."""
        self.begun = _now()
        try:
            return self._step(argument)
        finally:
            self.ended = _now()


def receipts(make: Make, decode: Step, encode: Step) -> Receipt:
    """What gives a handler whose answers have a receipt, for requests that were `received` at a time."""
    decoding, encoding = Clock(decode), Clock(encode)
    handler = make(decoding, encoding)

    def receipt(received: Received) -> Handler:
        def answer(body: bytes | bytearray) -> Answer:
            begun = _now()
            decoding.ended = encoding.begun = encoding.ended = 0.0
            given = handler(body)
            spans = [("queue", received() or begun, begun), ("decode", decoding.begun, decoding.ended)]
            if encoding.ended:  # a faulty body gets no further
                spans += [("predict", decoding.ended, encoding.begun), ("encode", encoding.begun, encoding.ended)]
            return msgspec.structs.replace(given, headers=[*given.headers, (TIMING, written(spans))])

        return answer

    return receipt


def written(spans: list[tuple[str, float, float]]) -> bytes:
    """As Server-Timing has them, in milliseconds."""
    return b", ".join(b"%b;dur=%.4f" % (name.encode(), (end - begin) * 1e3) for name, begin, end in spans if end)


def asked(fields: dict[bytes, bytes]) -> bool:
    """Whether the client prefers one (RFC 7240)."""
    preferences = fields.get(b"prefer")
    return preferences is not None and TIMING in [each.strip().lower() for each in preferences.split(b",")]
