"""The receipt of a request: how long it waited, and how long its decoding, prediction and encoding took.

A client asks for it with the header `Prefer: server-timing`; the setting SERVER_TIMING adds it to every answer.
A second handler is made for such requests, with clocks around the steps that decode and encode. So a request without
a receipt costs no more than before.
"""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from app.core.answer import Answer
from app.core.operation import TIMING, Handler, Receipt

Step = Callable[[Any], Any]
Make = Callable[[Step, Step], Handler]  # makes a handler from a function that decodes and one that encodes
Received = Callable[[], float]  # returns when the request's last byte arrived, in seconds of time.monotonic

_now = time.monotonic


class Clock:
    """A step that records when it began and ended. Handlers never overlap, so one Clock serves all requests."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self.begun = self.ended = 0.0

    def __call__(self, argument: Any) -> Any:
        """Run the step and record its times, even if it raises."""
        self.begun = _now()
        try:
            return self._step(argument)
        finally:
            self.ended = _now()


def receipts(make: Make, decode: Step, encode: Step) -> Receipt:
    """Return a function that takes the arrival time of a request and returns a handler whose answers have a receipt."""
    decoding, encoding = Clock(decode), Clock(encode)
    handler = make(decoding, encoding)

    def receipt(received: Received) -> Handler:
        def answer(body: bytes | bytearray) -> Answer:
            begun = _now()
            decoding.ended = encoding.begun = encoding.ended = 0.0
            reply = handler(body)
            spans = [("queue", received() or begun, begun), ("decode", decoding.begun, decoding.ended)]
            if encoding.ended:  # it is 0 if the body was faulty: then nothing was predicted or encoded
                spans += [("predict", decoding.ended, encoding.begun), ("encode", encoding.begun, encoding.ended)]
            return msgspec.structs.replace(reply, headers=[*reply.headers, (TIMING, server_timing(spans))])

        return answer

    return receipt


def server_timing(spans: list[tuple[str, float, float]]) -> bytes:
    """Return the value of a Server-Timing header, in milliseconds. A span is a name, its begin and end in seconds."""
    return b", ".join(b"%b;dur=%.4f" % (name.encode(), (end - begin) * 1e3) for name, begin, end in spans if end)
