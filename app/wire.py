"""What all connections of one process share: their bounds, who is let in, and how an answer looks as bytes."""

from collections.abc import Callable
from http import HTTPStatus

from app.admission import TokenBuckets
from app.answer import Answer, Headers
from app.deadlines import Deadlines
from app.operation import Operation
from app.refusals import headers_too_large, request_line_too_long
from app.settings import Settings
from app.telemetry import Telemetry

STATUS_LINES = {status: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus}
HEADS = 16  # of 200s, that are known at once; every bundle that is served has its own
KNOWN_VALUES = 256  # of a header, that were found valid; beyond that each is examined again


class Wire:
    """Made once a process; `draining` is set when the process has been told to stop."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self.settings = settings
        self.draining = False
        self.telemetry = telemetry
        self.operations: dict[bytes, Operation] = {}  # by path
        self.deadlines = Deadlines(settings)
        self.full_at_sweep = -1  # at which no connection was idle enough to make room
        self.max_lag_seconds = settings.max_lag_milliseconds / 1000
        self.buckets: TokenBuckets | None = None
        if settings.requests_per_second:
            self.buckets = TokenBuckets(settings.requests_per_second, settings.burst_requests)
        self.request_line_too_long = request_line_too_long(settings.max_request_line_bytes)
        self.headers_too_large = headers_too_large(settings.max_header_bytes)
        self._defaults: Headers = []
        self._heads: dict[int, tuple[Headers, bytes]] = {}

    def head(self, answer: Answer, defaults: Headers) -> bytes:
        """Status line and headers, up to content-length's value.

        `defaults` are uvicorn's own headers, a new list each second; the head of a 200 is made once for each.
        """
        if defaults is not self._defaults:
            self._defaults = defaults
            self._heads.clear()
        if answer.status == 200 and (known := self._heads.get(id(answer.headers))):
            return known[1]
        lines = b"".join([b"%b: %b\r\n" % header for header in defaults + answer.headers])
        head = b"%b%bcontent-length: " % (STATUS_LINES[HTTPStatus(answer.status)], lines)
        if answer.status == 200:  # whose headers live as long as a bundle is served; keeping them keeps their id theirs
            if len(self._heads) >= HEADS:
                self._heads.clear()
            self._heads[id(answer.headers)] = (answer.headers, head)
        return head


class KnownValues:
    """Values of a header that were found valid, so that the same one is examined once."""

    def __init__(self, valid: Callable[[bytes], bool]) -> None:
        self._valid = valid
        self.seen: set[bytes | None] = set()

    def check(self, value: bytes) -> bool:
        """Whether it is valid."""
        valid = self._valid(value)
        if valid and len(self.seen) < KNOWN_VALUES:
            self.seen.add(value)
        return valid
