"""llhttp, with the checks of RFC 9112 that it leaves out, and with limits on heads, chunk headers and trailers.

It reads every request that is not surely plain (app/http/head.py) and reports it to its connection: the first byte,
the head, pieces of the body, the end.
"""

import logging
import re
from typing import Protocol

import httptools

from app.core.answer import Answer, Headers
from app.http import refusals
from app.http.context import HttpContext
from app.http.deadlines import ANSWER, BODY, HEAD
from app.http.framing import FRAMING, HOSTS, UNUSUAL, Refused, examine, new_parser, parse_failure, resume_body
from app.http.head import MAX_HEADERS
from app.http.request import Request

HEADER_OBJECTS_BYTES = 200  # memory for the objects of one header, without its letters

logger = logging.getLogger("uvicorn.error")


class ParserListener(Protocol):
    """What the parser reports to. Each method may raise Refused."""

    phase: int
    ended: bool
    client: tuple[str, int] | None

    def enter(self, phase: int) -> None:
        """Enter a phase."""

    def read_head(self, request: Request) -> None:
        """Take a request whose head is complete."""

    def read_body(self, request: Request, piece: bytes) -> None:
        """Take a piece of its body."""

    def read_end(self, request: Request) -> None:
        """Take the end of the request."""

    def discard(self, size: int) -> None:
        """Count bytes that are read and thrown away."""


class Parser:
    """The parser of one connection. `request` is the one that is being read, or None."""

    def __init__(self, listener: ParserListener, context: HttpContext) -> None:
        self.request: Request | None = None
        self._headers: Headers | None = None  # of the head that is being read
        self._listener = listener
        self._context = context
        self._max_header_bytes = context.settings.max_header_bytes
        self._max_line_bytes = context.settings.max_request_line_bytes
        self._llhttp = new_parser(self)
        self._heads = 0  # read so far
        self._piece = b""  # the piece that is being parsed
        self._size = 0  # bytes of the last piece
        self._begun = b""  # earlier pieces of an unfinished head
        # Bytes in earlier pieces of an unfinished head, chunk header or trailers. Below 0: a head began somewhere in
        # this piece.
        self._overhead = 0
        self._progress = True  # whether the piece held bytes of a body
        self._skipped: tuple[bytes, bytes] | None = None  # the framing of a body that llhttp left unread

    def feed(self, piece: bytes) -> None:
        """Parse a piece and report what is in it. After Refused is raised, nothing more may be fed."""
        phase = self._listener.phase
        start = b"" if phase in (HEAD, BODY) else piece
        if phase == HEAD:
            self._overhead += self._size
        elif phase == BODY:
            self._progress = False
        else:
            self._overhead = 0
            if phase != ANSWER:
                self._listener.enter(HEAD)
        self._piece = piece
        self._size = len(piece)
        heads = self._heads
        rest: bytes | None = piece
        while rest and not self._listener.ended:
            rest = self._feed(rest, start, heads)
        self._check_unfinished()
        self._piece = b""

    def _feed(self, data: bytes, start: bytes, heads: int) -> bytes | None:
        """Return the bytes that llhttp left unread after an Upgrade, for a new parser, or None.

        `start` is where the first request of the piece begins. It is used only while no more than `heads` heads are
        read.
        """
        try:
            self._llhttp.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._llhttp = resume_body(self, self._skipped) if self._skipped else new_parser(self)
            self._skipped = None
            return data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            raise self._failure(error, start if self._heads == heads else b"") from None
        return None

    @staticmethod
    def _failure(error: httptools.HttpParserError, start: bytes) -> Refused:
        cause = error.__context__
        if isinstance(cause, Refused):
            return cause
        answer = parse_failure(error, start)
        if answer is None:
            logger.error("Exception in a parser's callback", exc_info=cause)
        return Refused(answer or refusals.FAILED)

    def _check_unfinished(self) -> None:
        """Refuse a head, a chunk header or trailers that do not end. This bounds what is kept of a head."""
        phase = self._listener.phase
        if phase == BODY and not self._progress:
            self._overhead += self._size
        if phase == HEAD:
            if self.request is not None and len(self.request.headers) > MAX_HEADERS:
                raise Refused(self._context.headers_too_large)
            self._begun += self._piece
        most = self._max_header_bytes + self._max_line_bytes
        if phase in (HEAD, BODY) and self._overhead > 0 and self._overhead + self._size > most:
            raise Refused(self._headers_or_line())

    def _headers_or_line(self) -> Answer:
        return (
            self._context.headers_too_large
            if self.request and self.request.target
            else self._context.request_line_too_long
        )

    @property
    def held_bytes(self) -> int:
        """Bytes that are kept of an unfinished request."""
        if self.request is None:
            return 0
        headers = HEADER_OBJECTS_BYTES * len(self.request.headers) if self._begun else 0
        return 2 * len(self._begun) + headers + len(self.request.body)

    # What llhttp reports

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._listener.ended:
            raise Refused(None)
        self.request = Request(self._listener.client)
        self._headers = self.request.headers
        self._begun = b""
        self._overhead = -self._size
        self._listener.enter(HEAD)

    def on_url(self, target: bytes) -> None:
        """Add a piece of the target."""
        request = self._reading()
        request.method = self._llhttp.get_method()
        request.target += target
        if len(request.target) > self._max_line_bytes:
            raise Refused(self._context.request_line_too_long)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header. Trailers are ignored."""
        if self._headers is not None:
            self._headers.append((name.lower(), value))
        else:
            self._listener.discard(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """Check the head and report it."""
        self._heads += 1
        request = self._reading()
        fields = dict(request.headers)
        request.version = self._llhttp.get_http_version()
        request.keep_alive = self._llhttp.should_keep_alive()
        if (
            not request.keep_alive
            or request.version != "1.1"
            or len(fields) != len(request.headers)
            or fields.get(b"host") not in HOSTS.seen
            or not UNUSUAL.isdisjoint(fields)
            or self._overhead >= 0
            or self._size > self._max_header_bytes
            or len(fields) > MAX_HEADERS
        ):
            self._examine(request)
        self._begun = b""
        self._headers = None
        self._listener.read_head(request)

    def _examine(self, request: Request) -> None:
        size = sum(len(name) + len(value) + 4 for name, value in request.headers)
        if size > self._max_header_bytes or len(request.headers) > MAX_HEADERS:
            raise Refused(self._context.headers_too_large)
        if request.version == "1.0":
            self._check_protocol(request)
            request.continues = request.keep_alive
        request.expects = examine(request.version, request.headers)
        if self._llhttp.should_upgrade():
            framed = [header for header in request.headers if header[0] in FRAMING and header[1].strip(b"0")]
            self._skipped = framed[0] if framed else None

    def _check_protocol(self, request: Request) -> None:
        """Refuse RTSP/1.0: llhttp takes it for HTTP/1.0."""
        line = re.escape(request.target) + rb" +HTTP/1\.0"
        if not re.search(line, self._begun + self._piece):
            raise Refused(refusals.VERSION)

    def on_chunk_header(self) -> None:
        """Note that a chunk header is complete."""
        self._progress = True
        self._overhead = 0

    def on_body(self, piece: bytes) -> None:
        """Report a piece of the body."""
        self._progress = True
        self._listener.read_body(self._reading(), piece)

    def on_message_complete(self) -> None:
        """Report the end of a request, unless its body is still to be parsed."""
        if not self._skipped:
            request = self._reading()
            self.request = None
            self._listener.read_end(request)

    def _reading(self) -> Request:
        assert self.request is not None
        return self.request
