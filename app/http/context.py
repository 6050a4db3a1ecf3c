"""What all connections of one process share: limits, operations, the rate limit, and answers as bytes."""

from http import HTTPStatus

from app.core.answer import Answer, Headers
from app.core.operation import Operation
from app.core.settings import Settings
from app.http.admission import TokenBuckets, client_key
from app.http.deadlines import Deadlines
from app.http.head import MAX_HEADERS
from app.http.origins import Origins
from app.http.refusals import headers_too_large, request_line_too_long, too_many_requests
from app.http.request import Request
from app.telemetry.recorder import Telemetry

STATUS_LINES = {status: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus}
PLAIN_BYTES = 16_384  # longest request that the fast path answers
HEADS = 16  # encoded heads of 200 answers that are kept; each served bundle has its own


class HttpContext:
    """The shared state of all connections. One object per process. `draining` is true once the process must stop."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self.settings = settings
        self.telemetry = telemetry
        self.draining = False
        self.model_name = ""  # in the contract; empty until a model is loaded
        self.origins = Origins(settings.allowed_origins) if settings.allowed_origins else None
        self.deadlines = Deadlines(settings)
        self.request_line_too_long = request_line_too_long(settings.max_request_line_bytes)
        self.headers_too_large = headers_too_large(settings.max_header_bytes, MAX_HEADERS)

        # Operations by method and target, and those that a plain head may name, by the start of the request line.
        self.operations: dict[tuple[bytes, bytes], Operation] = {}
        self.plain: dict[bytes, Operation] = {}
        self.max_plain_bytes = min(PLAIN_BYTES, settings.max_header_bytes)
        self.max_plain_requests = settings.max_requests_per_connection - 1

        # Bounds on all connections
        self.queued = 0  # requests that wait until the application has answered the one before them
        self.held_bytes = 0  # kept for unfinished and waiting requests and for answers that clients have not read
        self.full_at_sweep = -1  # the last sweep that found no idle connection to close
        self.max_lag_seconds = settings.max_lag_milliseconds / 1000
        self._buckets: TokenBuckets | None = None
        if settings.requests_per_second:
            self._buckets = TokenBuckets(settings.requests_per_second, settings.burst_requests)

        # Headers as bytes. Lifetime: one second, because uvicorn's own headers include the time.
        self.defaults: Headers = []
        self._uvicorns: Headers = []  # those of the defaults that uvicorn made
        self.usual_headers: Headers = []  # of the last 200 answer
        self.usual_head = b""
        self._heads: list[tuple[Headers, bytes]] = []

    def offer(self, operation: Operation) -> None:
        """Let connections answer this operation themselves, unless FAST_PATH=0."""
        target = operation.route.encode()
        if not self.settings.fast_path:
            return
        self.operations[operation.method, target] = operation
        short = len(target) <= self.settings.max_request_line_bytes
        if short and self._buckets is None and not self.settings.server_timing:
            self.plain[b"%b %b" % (operation.method, target)] = operation
            if self.draining:  # a swap while the process stops, on another thread
                self.plain.clear()

    def drain(self) -> None:
        """Make every answer from now on close its connection: the process must stop."""
        self.draining = True
        self.plain.clear()

    def rate_refusal(self, request: Request, now: float) -> Answer | None:
        """Take a token of the client's bucket. Return a 429 if there is none, else None."""
        if self._buckets is None:
            return None
        forwarded_for = b",".join(request.values(b"x-forwarded-for"))
        client = client_key(request.client[0] if request.client else "", forwarded_for, self.settings.trusted_proxies)
        wait = self._buckets.wait(client, now)
        return too_many_requests(wait) if wait else None

    def renew(self, defaults: Headers) -> None:
        """Use these default headers of uvicorn from now on."""
        if defaults is not self._uvicorns:
            self._uvicorns = defaults
            self.defaults = defaults if self.origins is None else [*defaults, *self.origins.always]
            self._heads.clear()
            self.usual_headers = []

    def head(self, answer: Answer) -> bytes:
        """Return status line and headers up to the value of content-length. The head of a 200 is encoded once."""
        if answer.status != 200:
            return self._made(answer)
        for headers, head in self._heads:
            if headers is answer.headers:
                self.usual_headers, self.usual_head = headers, head
                return head
        if len(self._heads) >= HEADS:
            self._heads.clear()
        head = self._made(answer)
        self._heads.append((answer.headers, head))
        return head

    def _made(self, answer: Answer) -> bytes:
        lines = b"".join([b"%b: %b\r\n" % header for header in self.defaults + answer.headers])
        return b"%b%bcontent-length: " % (STATUS_LINES[HTTPStatus(answer.status)], lines)
