"""Checks that RFC 9112 requires and llhttp leaves out. They run only for unusual requests."""

import re
from typing import Any

import httptools

from app.core.answer import Answer, Headers
from app.core.operation import KnownValues
from app.http import refusals

# A request needs no examination if it has none of these, one known Host and no header twice.
UNUSUAL = frozenset((b"transfer-encoding", b"expect", b"connection", b"upgrade", b"content-encoding"))
FRAMING = frozenset((b"content-length", b"transfer-encoding"))

_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.v]+\])(?::[0-9]*)?[ \t]*")
_UNKNOWN_METHOD = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+ [!-~]+ HTTP/1\.[01]\r\n")
_ABSOLUTE_FORM = re.compile(rb"https?://[^/?#]+([^#]*)", re.IGNORECASE)
HOSTS = KnownValues(lambda value: _HOST.fullmatch(value) is not None)


BLANKS = b" \t"  # around a value; they are no part of it (RFC 9110, 5.5). llhttp leaves trailing ones


class Refused(Exception):  # not an error: a callback of the parser raises it to end the parsing
    """The connection must end. `answer`, if there is one, is sent after the answers to earlier requests."""

    def __init__(self, answer: Answer | None) -> None:
        self.answer = answer


def examine(version: str, headers: Headers) -> bool:
    """Return whether the client waits for 100 (Continue). Raise Refused if RFC 9112 requires a refusal."""
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
    if any(expectation.strip(BLANKS).lower() != b"100-continue" for expectation in expectations):
        raise Refused(refusals.UNKNOWN_EXPECTATION)
    return bool(expectations)


def _values(headers: Headers, name: bytes) -> list[bytes]:
    return [value for found, value in headers if found == name]


def origin_form(target: bytes) -> bytes:
    """Return path and query of a target, which may be a whole URL (RFC 9112, 3.2.2). Raise Refused if it is neither."""
    if target.startswith(b"/"):
        return target
    if target == b"*":  # OPTIONS * asks about the server as a whole; there is no such route, so it gets a 404
        return b"/*"
    absolute = _ABSOLUTE_FORM.fullmatch(target)
    if absolute is None:
        raise Refused(refusals.TARGET)
    path = absolute[1]
    return path if path.startswith(b"/") else b"/" + path


def parse_failure(error: httptools.HttpParserError, start: bytes) -> Answer | None:
    """Return the answer to bytes that llhttp rejects, or None if our own callback failed.

    `start` is the failed request from its first byte; it is empty if that byte is unknown.
    """
    cause = error.__context__
    if isinstance(error, httptools.HttpParserCallbackError):
        return refusals.TARGET if isinstance(cause, httptools.HttpParserError) else None
    if isinstance(error, httptools.HttpParserInvalidMethodError) and _UNKNOWN_METHOD.match(start):
        return refusals.UNKNOWN_METHOD
    if str(error) in ("Invalid HTTP version", "Pause on PRI/Upgrade"):
        return refusals.VERSION
    return refusals.MALFORMED


class ResumedListener:
    """The listener of a new parser that continues in the middle of a request whose head was already reported.

    After a request with `Upgrade`, llhttp takes the body for bytes of another protocol. This server ignores upgrades
    (RFC 9110, 7.8), so a new parser reads on. A made-up head tells it the framing; that head is not reported.
    """

    def __init__(self, listener: Any) -> None:
        self._listener = listener
        self._made_up = True
        self.on_body = listener.on_body
        self.on_chunk_header = listener.on_chunk_header
        self.on_message_complete = listener.on_message_complete

    def on_message_begin(self) -> None:
        """Report the first byte of a request."""
        if not self._made_up:
            self._listener.on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Report the target."""
        if not self._made_up:
            self._listener.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Report a header or a trailer."""
        if not self._made_up:
            self._listener.on_header(name, value)

    def on_headers_complete(self) -> None:
        """Report the end of the head."""
        if self._made_up:
            self._made_up = False
        else:
            self._listener.on_headers_complete()


def new_parser(listener: object) -> httptools.HttpRequestParser:
    """Return a parser like uvicorn's: bytes after a request with `Connection: close` are no error."""
    parser = httptools.HttpRequestParser(listener)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def resume_body(listener: object, framing: tuple[bytes, bytes]) -> httptools.HttpRequestParser:
    """Return a parser that expects a body next. `framing` is its Content-Length or Transfer-Encoding header."""
    parser = new_parser(ResumedListener(listener))
    parser.feed_data(b"POST / HTTP/1.1\r\n%b: %b\r\n\r\n" % framing)
    return parser
