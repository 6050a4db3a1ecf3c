"""What RFC 9112 wants refused that the parser lets pass. Looked at only where a request is unusual."""

import re
from typing import Any

import httptools

from app import refusals
from app.answer import Answer, Headers
from app.wire import KnownValues

# A request with none of these, one Host that is known and no header twice needs no examination.
UNUSUAL = frozenset((b"transfer-encoding", b"expect", b"connection", b"upgrade", b"content-encoding"))
FRAMING = frozenset((b"content-length", b"transfer-encoding"))

_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.v]+\])(?::[0-9]*)?")
_UNKNOWN_METHOD = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+ [!-~]+ HTTP/1\.[01]\r\n")
_ABSOLUTE_FORM = re.compile(rb"https?://[^/?#]+([^#]*)", re.IGNORECASE)
HOSTS = KnownValues(lambda value: _HOST.fullmatch(value) is not None)


class Refused(Exception):  # not an error: how a parser's callback ends the parsing
    """The connection ends; `answer`, if any, is sent after those of the requests before."""

    def __init__(self, answer: Answer | None) -> None:
        self.answer = answer


def examine(version: str, headers: Headers) -> bool:
    """Refuse an unusual head that must be refused. Returns whether the client waits for 100 (Continue)."""
    if version not in ("1.1", "1.0"):
        raise Refused(refusals.VERSION)
    hosts = _values(headers, b"host")
    if (len(hosts) != 1 and (hosts or version == "1.1")) or not all(map(HOSTS.check, hosts)):
        raise Refused(refusals.HOST)
    codings = _values(headers, b"transfer-encoding")
    if codings and version == "1.0":
        raise Refused(refusals.TRANSFER_ENCODING_1_0)
    if codings and [coding.strip().lower() for coding in codings] != [b"chunked"]:
        raise Refused(refusals.TRANSFER_ENCODING)
    expectations = _values(headers, b"expect") if version == "1.1" else []
    if any(expectation.lower() != b"100-continue" for expectation in expectations):
        raise Refused(refusals.UNKNOWN_EXPECTATION)
    return bool(expectations)


def _values(headers: Headers, name: bytes) -> list[bytes]:
    return [value for found, value in headers if found == name]


def origin_form(target: bytes) -> bytes:
    """The path and query of a request's target, which may be a whole URL (RFC 9112, 3.2.2)."""
    if target.startswith(b"/"):
        return target
    if target == b"*":  # of OPTIONS: the server as a whole, which has no answer of its own
        return b"/*"
    absolute = _ABSOLUTE_FORM.fullmatch(target)
    if absolute is None:
        raise Refused(refusals.TARGET)
    path = absolute[1]
    return path if path.startswith(b"/") else b"/" + path


def parse_failure(error: httptools.HttpParserError, start: bytes) -> Answer | None:
    """The answer to what the parser does not like, or None where it is a fault of ours.

    `start` is the failed request from its first byte, or nothing where that is not known.
    """
    cause = error.__context__
    if isinstance(error, httptools.HttpParserCallbackError):
        return refusals.TARGET if isinstance(cause, httptools.HttpParserError) else None
    if isinstance(error, httptools.HttpParserInvalidMethodError) and _UNKNOWN_METHOD.match(start):
        return refusals.UNKNOWN_METHOD
    if str(error) in ("Invalid HTTP version", "Pause on PRI/Upgrade"):
        return refusals.VERSION
    return refusals.MALFORMED


class Resumed:
    """Hears a new parser that goes on where another left off, in the middle of a request whose head was reported.

    llhttp takes a request with `Upgrade` for the last and its body for another protocol's. Upgrades are ignored here
    (RFC 9110, 7.8), so a new parser reads on; told the framing by a made-up head, which is not reported.
    """

    def __init__(self, hearer: Any) -> None:
        self._hearer = hearer
        self._made_up = True
        self.on_body = hearer.on_body
        self.on_chunk_header = hearer.on_chunk_header
        self.on_message_complete = hearer.on_message_complete

    def on_message_begin(self) -> None:
        """Of a request."""
        if not self._made_up:
            self._hearer.on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Its target."""
        if not self._made_up:
            self._hearer.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header or a trailer."""
        if not self._made_up:
            self._hearer.on_header(name, value)

    def on_headers_complete(self) -> None:
        """The end of the head."""
        if self._made_up:
            self._made_up = False
        else:
            self._hearer.on_headers_complete()


def new_parser(hearer: object) -> httptools.HttpRequestParser:
    """A parser as uvicorn makes it: what follows a request with `Connection: close` is no error."""
    parser = httptools.HttpRequestParser(hearer)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def resume_body(hearer: object, framing: tuple[bytes, bytes]) -> httptools.HttpRequestParser:
    """A parser that stands before the body of a request whose Content-Length or Transfer-Encoding is `framing`."""
    parser = new_parser(Resumed(hearer))
    parser.feed_data(b"POST / HTTP/1.1\r\n%b: %b\r\n\r\n" % framing)
    return parser
