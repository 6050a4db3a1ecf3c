"""HTTP/1.1 as RFC 9112 demands it, and RFC 9110 where it says what requests mean: a table, and a client without mercy.

`python -m tests.app.test_app_conformance > docs/conformance.md` writes the page that lists the cases.

Doors: `fast` and `starlette` are `python -m app` with and without its fast path. `granian` is another ASGI server, and
is asked only what the application answers for, not what is a server's own business (`anywhere=False`).
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.commands import EXAMPLE, ROOT
from tests.service import OWN
from tests.wire import Response, Wire, parse_all

Step = bytes | Literal["answer", "finish"]  # bytes to send, or: read the next answer first; say that no more will come
Steps = tuple[Step, ...]
End = Literal["open", "closed", "either"]  # of the connection, after the last answer
OURS = ("fast", "starlette")
DOORS = (*OURS, "granian")
PAGE = ROOT / "docs" / "conformance.md"


class Want(NamedTuple):
    """What an answer must be."""

    statuses: tuple[int, ...]
    body: bytes = b""  # a part of it
    headers: tuple[str, ...] = ()  # that it must have
    head: bool = False  # it answers HEAD
    maybe: bool = False  # it may also be left out


class Case(NamedTuple):
    """One requirement, and how it is put to the test."""

    name: str
    section: str
    requirement: str
    steps: Steps
    wants: tuple[Want, ...]
    end: End = "open"
    anywhere: bool = True


# Requests ------------------------------------------------------------------------------------------------------------

HOST = b"Host: penguins.example"
JSON = b"Content-Type: application/json"
CHUNKED = b"Transfer-Encoding: chunked"
BIRD = json.dumps(EXAMPLE).encode()
LENGTH = b"Content-Length: %d" % len(BIRD)
ROW = {"name": "measurements", "shape": [1, 4], "datatype": "FP32", "data": list(EXAMPLE.values())}
ROWS = json.dumps({"inputs": [ROW]}).encode()
INFER_PATH = b"/v2/models/penguin/infer"


def lines(*lines: bytes, body: bytes = b"") -> bytes:
    """A message of these lines."""
    return b"\r\n".join([*lines, b"", b""]) + body


def get(path: bytes = b"/health/live", *fields: bytes, method: bytes = b"GET") -> bytes:
    """A request without a body."""
    return lines(b"%s %s HTTP/1.1" % (method, path), HOST, *fields)


def post(*fields: bytes, path: bytes = b"/predict", body: bytes = BIRD, version: bytes = b"1.1") -> bytes:
    """A request with a body and its length."""
    return lines(b"POST %s HTTP/%s" % (path, version), HOST, *fields, b"Content-Length: %d" % len(body), body=body)


def framed(*fields: bytes, body: bytes = BIRD, version: bytes = b"1.1") -> bytes:
    """A request to /predict whose body is framed by `fields`, rightly or not."""
    return lines(b"POST /predict HTTP/" + version, HOST, *fields, body=body)


def chunks(*parts: bytes, trailers: bytes = b"") -> bytes:
    """A chunked body."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailers + b"\r\n"


def cut(data: bytes, *positions: int) -> tuple[bytes, ...]:
    """The data in pieces."""
    bounds = [0, *positions, len(data)]
    return tuple(data[start:stop] for start, stop in pairwise(bounds))


def each_byte(data: bytes) -> tuple[bytes, ...]:
    """The data in pieces of one byte."""
    return cut(data, *range(1, len(data)))


LIVE = get()
MODEL = get(b"/model")
OPENAPI = get(b"/openapi.json")
PREDICT = post()
INFER = post(path=INFER_PATH, body=ROWS)
IN_CHUNKS = framed(CHUNKED, body=chunks(BIRD[:7], BIRD[7:]))


# Answers -------------------------------------------------------------------------------------------------------------


def status(*statuses: int, headers: tuple[str, ...] = (), head: bool = False, maybe: bool = False) -> Want:
    """An answer with one of these statuses."""
    return Want(statuses, headers=headers, head=head, maybe=maybe)


ADELIE = Want((200,), b'"species":"Adelie"')
ALIVE = Want((200,), b'{"status":"live"}')
ABOUT = Want((200,), b'"certificate"')
OPENED = Want((200,), b'"openapi"')
INFERRED = Want((200,), b'"outputs"')
CONTINUE = status(100)


# The table -----------------------------------------------------------------------------------------------------------


def under(section: str, *cases: Case) -> list[Case]:
    """Cases of one section of an RFC."""
    return [case._replace(section=section) for case in cases]


def case(
    name: str, requirement: str, send: bytes | Steps, *wants: Want, end: End = "open", anywhere: bool = True
) -> Case:
    """What must be answered, and, unless it says otherwise, leave the connection fit for the next request."""
    return Case(name, "", requirement, send if isinstance(send, tuple) else (send,), wants, end, anywhere)


def refuse(name: str, requirement: str, send: bytes | Steps, *statuses: int) -> Case:
    """What must be refused (400 unless it says otherwise) and end the connection: what follows is not answered."""
    steps = send if isinstance(send, tuple) else (send + LIVE,)
    return Case(name, "", requirement, steps, (status(*(statuses or (400,))),), "closed", anywhere=False)


def tolerate(name: str, requirement: str, send: bytes, *statuses: int) -> Case:
    """What a server may take or refuse, as long as it knows where the next request begins."""
    return Case(name, "", requirement, (send,), (status(*statuses),), "either", anywhere=False)


def spoilt(old: bytes, new: bytes, request: bytes = PREDICT) -> bytes:
    """The request with a fault in it."""
    assert old in request
    return request.replace(old, new, 1)


PARSING = [
    *under(
        "9112 §2.2",
        case("empty-line-first", "an empty line before the request line is ignored", b"\r\n" + LIVE, ALIVE),
        case("empty-line-between", "also between two requests", PREDICT + b"\r\n" + LIVE, ADELIE, ALIVE),
        refuse("empty-lines-endless", "but not forty thousand of them", (b"\r\n" * 40_000,), 400, 414, 431),
        case(
            "obs-text",
            "a message is octets, not Unicode: high bytes in a value harm nothing",
            post(b"X-Name: \xff\xfe\xc3"),
            ADELIE,
        ),
        refuse("lf-request-line", "a bare LF does not end the request line", spoilt(b"1.1\r\n", b"1.1\n", LIVE)),
        refuse("lf-field", "a bare LF does not end a field", spoilt(b"example\r\n", b"example\n")),
        refuse("lf-block", "a bare LF does not end the header block", spoilt(b"\r\n\r\n", b"\r\n\n")),
        refuse("lf-only", "nor do LFs alone make a message", LIVE.replace(b"\r\n", b"\n")),
        refuse("cr-in-value", "a bare CR in a value is invalid", post(b"X-A: one\rX-B: two")),
        refuse("cr-in-request-line", "a bare CR in the request line too", spoilt(b" HTTP", b"\rHTTP", LIVE)),
        refuse(
            "space-before-fields",
            "whitespace between the request line and the first field is refused",
            spoilt(b"Host", b" Host"),
        ),
        refuse(
            "tab-before-fields",
            "a folded line with nothing before it to continue is refused",
            spoilt(b"Host", b"\tX-A: y\r\nHost"),
        ),
        refuse("space-before-method", "whitespace before the method is refused", b" " + LIVE),
        refuse(
            "tls-hello",
            "what is no HTTP at all is answered 400",
            (bytes.fromhex("16030100c8010000c40303") + bytes(range(189)),),
        ),
        refuse(
            "http2-preface",
            "HTTP/2 without being asked for is refused",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            400,
            405,
            501,
            505,
        ),
    ),
    *under(
        "9112 §2.3",
        refuse("version-2", "a major version that is not spoken is refused", spoilt(b"1.1", b"2.0"), 505),
        refuse("version-3", "also one that does not exist", spoilt(b"1.1", b"3.7", LIVE), 505),
        tolerate(
            "version-1.2",
            "a higher minor version is served as 1.1, or refused",
            spoilt(b"1.1", b"1.2", LIVE),
            200,
            400,
            505,
        ),
        refuse("version-0.9", "HTTP/0.9 is not spoken", spoilt(b"1.1", b"0.9", LIVE), 400, 505),
        refuse("version-case", "HTTP is in capitals", spoilt(b"HTTP", b"http", LIVE)),
        refuse("version-digits", "a version is one digit, a dot, one digit", spoilt(b"1.1", b"1.10", LIVE), 400, 505),
        refuse("version-short", "a version has both its digits", spoilt(b"1.1", b"1", LIVE), 400, 505),
    ),
    *under(
        "9112 §3", refuse("no-version", "a request line has three parts", spoilt(b" HTTP/1.1", b"", LIVE), 400, 505)
    ),
]

REQUEST_LINE = [
    *under(
        "9112 §3",
        refuse("no-target", "a request line without a target is refused", spoilt(b" /health/live", b"", LIVE)),
        tolerate(
            "two-spaces",
            "more than one space between its parts is refused, or read as one",
            spoilt(b"GET ", b"GET  ", LIVE),
            200,
            400,
        ),
        tolerate(
            "trailing-space", "whitespace at its end is refused, or ignored", spoilt(b"1.1", b"1.1 ", LIVE), 200, 400
        ),
        case("line-8000", "a request line of 8,000 bytes is taken", get(b"/" + b"a" * 7985), status(404)),
        refuse("line-too-long", "a longer target than is ever parsed: 414", get(b"/" + b"a" * 8500), 414),
        refuse(
            "line-too-long-pieces", "in any pieces", (*cut(get(b"/" + b"a" * 8500), *range(500, 8500, 500)), LIVE), 414
        ),
        refuse("line-endless", "also while it has not yet ended", (b"GET /" + b"a" * 20000,), 414),
        case("split-anywhere", "a message may come in any pieces: bytes", each_byte(PREDICT), ADELIE),
    ),
    *under(
        "9112 §3.1",
        tolerate("method-unknown", "a method that no one knows: 501", get(method=b"BREW"), 501),
        case(
            "method-unknown-pieces",
            "501 or 400 where the rest of the line has not yet come",
            each_byte(get(method=b"BREW")),
            status(400, 501),
            end="either",
            anywhere=False,
        ),
        case(
            "method-unknown-pipelined",
            "501 or 400 after other requests",
            PREDICT + get(method=b"BREW"),
            ADELIE,
            status(400, 501),
            end="either",
            anywhere=False,
        ),
        tolerate("method-token", "a method is any token", get(method=b"x_y-2.z!"), 501),
        case(
            "method-known-elsewhere",
            "a method of other protocols: 501, or 405 with Allow",
            get(method=b"PROPFIND"),
            status(405, 501),
            end="either",
        ),
        case(
            "method-case",
            "methods are case-sensitive: post is not POST",
            spoilt(b"POST", b"post"),
            status(405, 501),
            end="either",
        ),
        tolerate("method-long", "a method longer than any that is known: 501", get(method=b"A" * 100), 501),
        refuse("method-no-token", "a method is a token", get(method=b"GE(T")),
    ),
    *under(
        "9112 §3.2",
        refuse("space-in-target", "no whitespace in a target", get(b"/health live")),
        refuse("control-in-target", "no control bytes in a target", get(b"/health/\x01live")),
        refuse("nul-in-target", "no NUL in a target", get(b"/health/live\x00")),
        tolerate(
            "high-byte-in-target",
            "a target is ASCII: other bytes are refused, or no path of ours",
            get(b"/health/l\xefve"),
            400,
            404,
        ),
        refuse("target-relative", "a target has one of four forms", get(b"health/live")),
        refuse("host-missing", "HTTP/1.1 without Host is refused", lines(b"GET /health/live HTTP/1.1")),
        refuse("host-twice", "more than one Host is refused", get(b"/health/live", b"Host: other.example")),
        refuse("host-repeated", "also when they agree", post(HOST)),
        refuse("host-twice-1.0", "more than one Host in HTTP/1.0 too", post(HOST, version=b"1.0")),
        refuse("host-space", "an invalid Host is refused: whitespace", spoilt(b"guins.", b"guins .")),
        refuse(
            "host-path",
            "an invalid Host is refused: a path",
            spoilt(b"penguins.example", b"penguins.example/predict", LIVE),
        ),
        refuse(
            "host-user",
            "an invalid Host is refused: user information",
            spoilt(b"penguins.example", b"me@penguins.example"),
        ),
        refuse(
            "host-port",
            "an invalid Host is refused: a port that is no number",
            spoilt(b".example", b".example:http", LIVE),
        ),
        refuse(
            "host-list",
            "an invalid Host is refused: two in one",
            spoilt(b".example", b".example, other.example", LIVE),
            400,
        ),
        case("host-empty", "an empty Host is valid", spoilt(b" penguins.example", b""), ADELIE),
        case("host-with-port", "a Host with a port is valid", spoilt(b".example", b".example:8080"), ADELIE),
        case(
            "host-ipv6",
            "a Host that is an IPv6 address is valid",
            spoilt(b"penguins.example", b"[::1]:8080", LIVE),
            ALIVE,
        ),
        case(
            "host-missing-1.0",
            "HTTP/1.0 needs no Host",
            lines(b"GET /health/live HTTP/1.0"),
            ALIVE,
            end="closed",
            anywhere=False,
        ),
    ),
    *under(
        "9112 §3.2.1",
        case("query", "a query is no part of the path", spoilt(b"/predict", b"/predict?a=b&c"), ADELIE),
        case("query-slow", "on any route", get(b"/model?x"), ABOUT),
        case("percent", "a percent-encoded letter is that letter", get(b"/%68ealth/l%69ve"), ALIVE),
        case(
            "percent-broken",
            "a percent sign without its digits is refused, or no path of ours",
            get(b"/health/live%2"),
            status(400, 404),
            end="either",
        ),
        case(
            "double-slash",
            "//host/path is a path, and none of ours",
            get(b"//penguins.example/health/live"),
            status(400, 404),
            end="either",
        ),
    ),
    *under(
        "9112 §3.2.2",
        case(
            "absolute",
            "a target in absolute form is accepted",
            spoilt(b"/predict", b"http://penguins.example/predict"),
            ADELIE,
        ),
        case("absolute-slow", "on any route, with port and query", get(b"http://penguins.example:80/model?x=1"), ABOUT),
        case(
            "absolute-other-host",
            "its host is the one that counts, not the field's",
            spoilt(HOST, b"Host: other.example", get(b"http://penguins.example/health/live")),
            ALIVE,
        ),
        case(
            "absolute-no-path",
            "without a path it means /",
            get(b"http://penguins.example"),
            status(200, 303),
            anywhere=False,
        ),
    ),
    *under(
        "9112 §3.2.3",
        tolerate(
            "connect",
            "CONNECT is for proxies: refused, and no tunnel",
            get(b"penguins.example:443", method=b"CONNECT"),
            400,
            404,
            405,
            501,
        ),
    ),
    *under(
        "9112 §3.2.4",
        tolerate("asterisk", "OPTIONS * is answered", get(b"*", method=b"OPTIONS"), 200, 204, 400, 404, 405, 501),
        tolerate("asterisk-get", "* is for OPTIONS only", get(b"*"), 400, 404),
    ),
]

FIELDS = [
    *under(
        "9112 §5",
        case("name-case", "names of fields know no case", spoilt(b"Content-L", b"cONTENT-l"), ADELIE),
        case("value-empty", "a value may be empty", post(b"X-A:", b"X-B: \t "), ADELIE),
    ),
    *under(
        "9112 §5.1",
        case("no-space", "no space is needed before a value", spoilt(b"Host: ", b"Host:"), ADELIE),
        case(
            "space-around-value",
            "whitespace around a value is no part of it",
            framed(b"Content-Length: \t %d \t " % len(BIRD)),
            ADELIE,
        ),
        refuse("space-before-colon", "no whitespace before the colon", post(b"X-A : b")),
        refuse("host-before-colon", "of Host neither", spoilt(b"Host:", b"Host :", LIVE)),
        refuse("length-before-colon", "nor Content-Length", spoilt(b"Length:", b"Length\t:")),
        refuse("coding-before-colon", "nor Transfer-Encoding", framed(b"Transfer-Encoding : chunked", LENGTH)),
    ),
    *under(
        "9112 §5.2",
        refuse("obs-fold", "a folded value is refused", post(b"X-A: one\r\n two")),
        refuse("obs-fold-tab", "folded by a tab too", post(b"X-A: one\r\n\ttwo")),
        refuse(
            "obs-fold-coding",
            "also of a field that frames",
            framed(b"Transfer-Encoding:\r\n chunked", body=chunks(BIRD)),
        ),
    ),
    *under(
        "9112 §5",
        refuse("no-colon", "a field has a colon", post(b"nonsense")),
        refuse("name-empty", "a field has a name", post(b": value")),
        refuse("name-space", "a name is a token: no whitespace", post(b"X A: value")),
        refuse("name-delimiter", "a name is a token: no delimiter", post(b"X(A): value")),
        refuse("name-nul", "a name is a token: no NUL", post(b"X\x00A: value")),
        refuse("name-high", "a name is a token: no high byte", post(b"X\xe9A: value")),
    ),
    *under(
        "9110 §5.5",
        refuse("nul-in-value", "NUL in a value is refused", post(b"X-A: one\x00two")),
        refuse("control-in-value", "other control bytes too", post(b"X-A: one\x01two")),
        refuse("delete-in-value", "DEL too", post(b"X-A: one\x7ftwo")),
    ),
    *under(
        "9110 §5.4",
        case("headers-15000", "15,000 bytes of fields are taken", post(b"X-A: " + b"a" * 15000), ADELIE),
        refuse(
            "headers-too-large",
            "a larger field than is ever processed is refused, never ignored",
            post(b"X-A: " + b"a" * 17000),
            431,
        ),
        refuse(
            "headers-too-large-pieces",
            "in any pieces",
            (*cut(post(b"X-A: " + b"a" * 17_000), *range(1_000, 17_000, 1_000)), LIVE),
            431,
        ),
        refuse(
            "headers-too-many",
            "also many small ones",
            get(b"/model", *[b"X-%d: %s" % (number, b"a" * 50) for number in range(400)]),
            431,
        ),
        refuse("headers-endless", "also while they have not yet ended", (get()[:-2] + b"X: " + b"a" * 50000,), 431),
    ),
]

BODY = [
    *under(
        "9112 §6",
        case(
            "get-with-body",
            "a body is there when its framing says so, whatever the method",
            (lines(b"GET /health/live HTTP/1.1", HOST, b"Content-Length: 40", body=LIVE[:40]),),
            ALIVE,
        ),
        case(
            "get-with-chunks",
            "a chunked one too, on any route",
            (lines(b"GET /model HTTP/1.1", HOST, CHUNKED, body=chunks(LIVE)),),
            ABOUT,
        ),
    ),
    *under(
        "9112 §6.1",
        case("chunked", "chunked is understood", IN_CHUNKS, ADELIE),
        case(
            "chunked-slow",
            "on any route",
            lines(b"POST %s HTTP/1.1" % INFER_PATH, HOST, CHUNKED, body=chunks(ROWS[:9], ROWS[9:])),
            INFERRED,
        ),
        case(
            "coding-case",
            "names of codings know no case",
            framed(b"transfer-encoding: CHUNKED", body=chunks(BIRD)),
            ADELIE,
        ),
        refuse(
            "coding-unknown-chunked",
            "a coding that is not understood: 501",
            framed(b"Transfer-Encoding: gzip, chunked", body=chunks(BIRD)),
            501,
        ),
        refuse(
            "coding-two-lines",
            "also in a line of its own",
            framed(b"Transfer-Encoding: gzip", CHUNKED, body=chunks(BIRD)),
            400,
            501,
        ),
    ),
    *under(
        "9112 §6.3",
        refuse("coding-unknown", "a body that does not end in chunked", framed(b"Transfer-Encoding: gzip"), 400, 501),
    ),
    *under(
        "9112 §6.1", refuse("coding-identity", "identity is gone", framed(b"Transfer-Encoding: identity"), 400, 501)
    ),
    *under(
        "9112 §6.3",
        refuse(
            "coding-not-last",
            "chunked must come last",
            framed(b"Transfer-Encoding: chunked, gzip", body=chunks(BIRD)),
            400,
            501,
        ),
    ),
    *under(
        "9112 §6.1",
        refuse(
            "coding-chunked-twice",
            "chunked is applied once",
            framed(b"Transfer-Encoding: chunked, chunked", body=chunks(BIRD)),
            400,
            501,
        ),
        refuse(
            "coding-chunked-lines",
            "chunked is applied once, in two lines too",
            framed(CHUNKED, CHUNKED, body=chunks(BIRD)),
            400,
            501,
        ),
        refuse("coding-prefix", "xchunked is another", framed(b"Transfer-Encoding: xchunked"), 400, 501),
        refuse("coding-suffix", "so is chunkedx", framed(b"Transfer-Encoding: chunkedx"), 400, 501),
        refuse(
            "coding-quoted",
            "a quoted coding is another",
            framed(b'Transfer-Encoding: "chunked"', body=chunks(BIRD)),
            400,
            501,
        ),
        refuse("coding-empty", "no coding at all is faulty", framed(b"Transfer-Encoding:", LENGTH), 400, 501),
        refuse(
            "coding-vertical-tab",
            "a control byte is no whitespace",
            framed(b"Transfer-Encoding: \x0bchunked", body=chunks(BIRD)),
        ),
        refuse(
            "coding-and-length",
            "Content-Length beside Transfer-Encoding is an attack: refused",
            framed(LENGTH, CHUNKED, body=chunks(BIRD)),
        ),
        refuse("length-and-coding", "in either order", framed(CHUNKED, LENGTH, body=chunks(BIRD))),
        refuse(
            "coding-1.0",
            "Transfer-Encoding in HTTP/1.0 is faulty framing",
            framed(CHUNKED, body=chunks(BIRD), version=b"1.0"),
        ),
    ),
    *under(
        "9112 §6.3",
        refuse("length-differs", "Content-Lengths that differ", framed(LENGTH, b"Content-Length: 1")),
        refuse("length-list-differs", "Content-Lengths that differ in one line", framed(LENGTH + b", 6")),
        tolerate("length-repeated", "Content-Lengths that agree are one, or refused", framed(LENGTH, LENGTH), 200, 400),
        tolerate("length-list", "also in one line", framed(LENGTH + b", %d" % len(BIRD)), 200, 400),
        refuse("length-plus", "a length is digits: no sign", framed(b"Content-Length: +5")),
        refuse("length-minus", "a length is digits: no minus", framed(b"Content-Length: -1")),
        refuse("length-hex", "a length is digits: not hexadecimal", framed(b"Content-Length: 0x10")),
        refuse("length-empty", "a length is digits, at least one", framed(b"Content-Length:")),
        refuse("length-spaced", "a length is digits: no space between", framed(b"Content-Length: 8 2")),
        refuse("length-underscore", "a length is digits: no underscore", framed(b"Content-Length: 8_2")),
        refuse("length-arabic", "a length is digits: ASCII's", framed("Content-Length: ٨٢".encode())),
        case("length-zeros", "leading zeros are digits", framed(b"Content-Length: 000%d" % len(BIRD)), ADELIE),
    ),
    *under(
        "9110 §8.6",
        refuse(
            "length-overflow-32",
            "a length does not overflow: 2^32 and more",
            (framed(b"Content-Length: %d" % (len(BIRD) + 2**32)),),
            413,
        ),
        refuse(
            "length-overflow-64",
            "a length does not overflow: 2^64 and more",
            (framed(b"Content-Length: %d" % (len(BIRD) + 2**64)),),
            400,
            413,
        ),
    ),
    *under(
        "9112 §6.3",
        case("no-length", "without length and coding there is no body", (framed(body=b"") + LIVE,), status(422), ALIVE),
        case(
            "length-short",
            "what follows a body is the next request, and no request here",
            framed(LENGTH, body=BIRD + b"}}\r\n\r\n"),
            ADELIE,
            status(400),
            end="closed",
            anywhere=False,
        ),
    ),
    *under(
        "9112 §8",
        case(
            "body-incomplete",
            "a body cut short is never answered as if whole",
            (framed(b"Content-Length: %d" % (len(BIRD) + 1)), "finish"),
            status(400, 408, maybe=True),
            end="closed",
            anywhere=False,
        ),
        case(
            "chunks-incomplete",
            "nor is a chunked one without its last chunk",
            (framed(CHUNKED, body=chunks(BIRD)[:-5]), "finish"),
            status(400, 408, maybe=True),
            end="closed",
            anywhere=False,
        ),
        case(
            "header-incomplete",
            "nor a header block without its end",
            (LIVE[:-2], "finish"),
            status(400, 408, maybe=True),
            end="closed",
            anywhere=False,
        ),
    ),
]


def in_chunks(*parts: bytes) -> bytes:
    """A chunked request to /predict, its body in the very bytes given."""
    return framed(CHUNKED, body=b"".join(parts))


SIZE = b"%x" % len(BIRD)
LAST = b"0\r\n\r\n"

CHUNKS = [
    *under(
        "9112 §7.1",
        case("chunk-each-byte", "chunks may be of one byte", in_chunks(chunks(*each_byte(BIRD))), ADELIE),
        case("chunk-pieces", "a chunked body may come byte by byte", each_byte(IN_CHUNKS), ADELIE),
        case(
            "chunk-hex-case",
            "a size is hexadecimal in any case",
            in_chunks(b"A\r\n" + BIRD[:10] + b"\r\na\r\n" + BIRD[10:20] + b"\r\n" + chunks(BIRD[20:])),
            ADELIE,
        ),
        case(
            "chunk-zeros",
            "leading zeros are allowed",
            in_chunks(b"000" + SIZE + b"\r\n" + BIRD + b"\r\n000\r\n\r\n"),
            ADELIE,
        ),
    ),
    *under(
        "9112 §7.1.1",
        case(
            "chunk-extension",
            "extensions that are not known are ignored",
            in_chunks(SIZE + b';a;b=c;d="e; \\"f"\r\n' + BIRD + b"\r\n0;last\r\n\r\n"),
            ADELIE,
        ),
        refuse(
            "chunk-extension-endless",
            "extensions are bounded",
            (in_chunks(SIZE + b";a=" + b"b" * 200000),),
            400,
            413,
            431,
        ),
    ),
    *under(
        "9112 §7.1.2",
        case(
            "trailers",
            "trailers are read and ignored",
            in_chunks(chunks(BIRD, trailers=b"X-Sum: 1\r\nX-More: 2\r\n")),
            ADELIE,
        ),
        case(
            "trailer-framing",
            "trailers that would frame frame nothing, or are refused",
            in_chunks(chunks(BIRD, trailers=b"Content-Length: 3\r\nHost: other.example\r\n")),
            status(200, 400),
            end="either",
        ),
        refuse(
            "trailer-malformed",
            "trailers are fields, and malformed ones refused",
            in_chunks(chunks(BIRD, trailers=b"X Sum: 1\r\n")),
        ),
        refuse(
            "trailers-too-large",
            "trailers are bounded as headers are",
            (in_chunks(chunks(BIRD, trailers=b"X-A: " + b"a" * 100_000 + b"\r\n")),),
            400,
            413,
            431,
        ),
        refuse(
            "trailers-endless",
            "also while they have not yet ended",
            (in_chunks(chunks(BIRD)[:-2] + b"X-A: " + b"a" * 100_000),),
            400,
            413,
            431,
        ),
    ),
    *under(
        "9112 §7.1",
        refuse("chunk-size-word", "a size is hexadecimal", in_chunks(b"zz\r\n" + BIRD + b"\r\n" + LAST)),
        refuse("chunk-size-empty", "a size is not nothing", in_chunks(b"\r\n" + BIRD + b"\r\n" + LAST)),
        refuse("chunk-size-minus", "a size has no sign", in_chunks(b"-1\r\n" + BIRD + b"\r\n" + LAST)),
        refuse("chunk-size-0x", "a size has no prefix", in_chunks(b"0x" + SIZE + b"\r\n" + BIRD + b"\r\n" + LAST)),
        refuse("chunk-size-space", "a size has no space", in_chunks(b" " + SIZE + b"\r\n" + BIRD + b"\r\n" + LAST)),
        refuse(
            "chunk-size-overflow",
            "a size does not overflow",
            in_chunks(b"1" + b"0" * 16 + SIZE + b"\r\n" + BIRD + b"\r\n" + LAST),
            400,
            413,
        ),
        refuse("chunk-size-lf", "a bare LF does not end a size", in_chunks(SIZE + b"\n" + BIRD + b"\r\n" + LAST)),
        refuse("chunk-size-cr", "a bare CR does not end a size", in_chunks(SIZE + b"\r" + BIRD + b"\r\n" + LAST)),
    ),
    *under(
        "9112 §7.1.1",
        refuse(
            "chunk-extension-lf",
            "a bare LF does not end an extension",
            in_chunks(SIZE + b";a\n" + BIRD + b"\r\n" + LAST),
        ),
    ),
    *under(
        "9112 §7.1",
        refuse(
            "chunk-data-long", "CRLF follows the data of a chunk", in_chunks(SIZE + b"\r\n" + BIRD + b"X\r\n" + LAST)
        ),
        refuse(
            "chunk-data-lf", "CRLF follows the data, not a bare LF", in_chunks(SIZE + b"\r\n" + BIRD + b"\n" + LAST)
        ),
        refuse("chunk-data-none", "CRLF follows the data, not the next size", in_chunks(SIZE + b"\r\n" + BIRD + LAST)),
    ),
]


CONNECTION = [
    *under(
        "9112 §9.3",
        case("persists", "a connection persists", (PREDICT, "answer", LIVE, "answer", INFER), ADELIE, ALIVE, INFERRED),
        case("persists-after-404", "also after an error", (get(b"/nope"), "answer", PREDICT), status(404), ADELIE),
        case(
            "persists-after-422", "also after another error", (post(body=b"{}"), "answer", PREDICT), status(422), ADELIE
        ),
        case("keep-alive", "keep-alive in HTTP/1.1 is no news", post(b"Connection: keep-alive"), ADELIE),
    ),
    *under(
        "9112 §9.6",
        case("close", "close is honoured, and said", post(b"Connection: close"), ADELIE, end="closed"),
        case("close-slow", "on any route", get(b"/model", b"Connection: close"), ABOUT, end="closed"),
        case(
            "close-get",
            "close is honoured with any method",
            get(b"/health/live", b"Connection: close"),
            ALIVE,
            end="closed",
        ),
        case("close-case", "close in any case", post(b"connection: CLOSE"), ADELIE, end="closed"),
        case("close-list", "close in a list", post(b"Connection: keep-alive, close"), ADELIE, end="closed"),
        case(
            "close-lines",
            "close in one of two lines",
            post(b"Connection: x-a", b"Connection: close"),
            ADELIE,
            end="closed",
        ),
        case(
            "close-then-more",
            "what comes after it is not answered",
            post(b"Connection: close") + LIVE + PREDICT,
            ADELIE,
            end="closed",
        ),
        case("close-slow-then-more", "on any route", get(b"/model", b"Connection: close") + LIVE, ABOUT, end="closed"),
    ),
    *under(
        "9110 §7.6.1",
        case(
            "connection-unknown",
            "other options are ignored",
            post(b"Connection: x-closed, TE", b"TE: trailers"),
            ADELIE,
        ),
    ),
    *under(
        "9112 §9.3",
        case("1.0", "HTTP/1.0 ends with its answer", post(version=b"1.0"), ADELIE, end="closed", anywhere=False),
        case("1.0-slow", "on any route", lines(b"GET /model HTTP/1.0"), ABOUT, end="closed", anywhere=False),
    ),
    *under(
        "9112 §6.1",
        case(
            "1.0-openapi",
            "an answer to HTTP/1.0 is never in chunks",
            lines(b"GET /openapi.json HTTP/1.0"),
            Want((200,), headers=("content-length",)),
            end="closed",
            anywhere=False,
        ),
    ),
    *under(
        "9112 §9.3",
        case(
            "1.0-keep-alive",
            "also where it asks for keep-alive",
            post(b"Connection: keep-alive", version=b"1.0"),
            ADELIE,
            end="closed",
            anywhere=False,
        ),
        case(
            "1.0-then-more",
            "what comes after it is not answered",
            post(version=b"1.0") + LIVE,
            ADELIE,
            end="closed",
            anywhere=False,
        ),
    ),
    *under(
        "9112 §9.3.2",
        case(
            "pipeline-fast",
            "answers come in the order of the requests",
            PREDICT + LIVE + PREDICT + IN_CHUNKS,
            ADELIE,
            ALIVE,
            ADELIE,
            ADELIE,
        ),
        case("pipeline-slow", "on other routes", MODEL + INFER + OPENAPI, ABOUT, INFERRED, OPENED),
        case(
            "pipeline-mixed",
            "on mixed ones",
            MODEL + LIVE + INFER + PREDICT + OPENAPI + PREDICT,
            ABOUT,
            ALIVE,
            INFERRED,
            ADELIE,
            OPENED,
            ADELIE,
        ),
        case(
            "pipeline-bytes",
            "in pieces of one byte",
            each_byte(MODEL + PREDICT + INFER + LIVE),
            ABOUT,
            ADELIE,
            INFERRED,
            ALIVE,
        ),
        case(
            "pipeline-cut", "cut within the second", cut(MODEL + PREDICT + LIVE, len(MODEL) + 60), ABOUT, ADELIE, ALIVE
        ),
        case("pipeline-long", "sixty, unread until all are sent", ((OPENAPI + PREDICT) * 30,), *[OPENED, ADELIE] * 30),
        case(
            "pipeline-bad",
            "a bad one is refused after the answers to those before it",
            MODEL + PREDICT + INFER + b"BAD\r\n\r\n" + LIVE,
            ABOUT,
            ADELIE,
            INFERRED,
            status(400),
            end="closed",
            anywhere=False,
        ),
        case(
            "pipeline-bad-fast",
            "also on the fast path",
            PREDICT + LIVE + spoilt(b"Host:", b"Host :") + LIVE,
            ADELIE,
            ALIVE,
            status(400),
            end="closed",
            anywhere=False,
        ),
        case(
            "pipeline-close",
            "close ends it where it stands",
            MODEL + post(b"Connection: close") + LIVE,
            ABOUT,
            ADELIE,
            end="closed",
        ),
    ),
    *under(
        "9112 §9.6",
        case(
            "half-close",
            "who sends no more is still answered",
            (PREDICT, "finish"),
            ADELIE,
            end="closed",
            anywhere=False,
        ),
        case("half-close-slow", "on any route", (INFER, "finish"), INFERRED, end="closed", anywhere=False),
        case(
            "half-close-pipeline",
            "for all that was sent",
            (MODEL + PREDICT + INFER + LIVE, "finish"),
            ABOUT,
            ADELIE,
            INFERRED,
            ALIVE,
            end="closed",
            anywhere=False,
        ),
    ),
    *under(
        "9110 §7.8",
        case(
            "upgrade-h2c",
            "an upgrade may be ignored: the answer is HTTP/1.1's",
            (
                get(
                    b"/health/live",
                    b"Connection: Upgrade, HTTP2-Settings",
                    b"Upgrade: h2c",
                    b"HTTP2-Settings: AAMAAABk",
                ),
            ),
            ALIVE,
            anywhere=False,
        ),
        case(
            "upgrade-websocket",
            "on any route, and what follows too",
            get(
                b"/model",
                b"Connection: Upgrade",
                b"Upgrade: websocket",
                b"Sec-WebSocket-Version: 13",
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            )
            + PREDICT
            + MODEL,
            ABOUT,
            ADELIE,
            ABOUT,
            anywhere=False,
        ),
        case(
            "upgrade-body",
            "with a body, and what follows",
            post(b"Connection: upgrade", b"Upgrade: h2c")
            + INFER
            + post(b"Connection: upgrade", b"Upgrade: x/1")
            + LIVE,
            ADELIE,
            INFERRED,
            ADELIE,
            ALIVE,
            anywhere=False,
        ),
        case(
            "upgrade-chunks",
            "with a chunked one, in pieces of one byte",
            each_byte(framed(b"Connection: upgrade", b"Upgrade: h2c", CHUNKED, body=chunks(BIRD)) + LIVE),
            ADELIE,
            ALIVE,
            anywhere=False,
        ),
        case(
            "upgrade-empty-body",
            "with an empty body, and what follows",
            get(b"/model", b"Connection: upgrade", b"Upgrade: h2c", b"Content-Length: 0")
            + get(b"/health/live", b"Connection: upgrade", b"Upgrade: h2c", b"Content-Length: 0")
            + PREDICT,
            ABOUT,
            ALIVE,
            ADELIE,
            anywhere=False,
        ),
        case(
            "upgrade-empty-chunks",
            "with no chunk but the last, and what follows",
            get(b"/model", b"Connection: upgrade", b"Upgrade: h2c", CHUNKED) + chunks() + PREDICT,
            ABOUT,
            ADELIE,
            anywhere=False,
        ),
        case(
            "upgrade-then-bad",
            "with a body, and a bad request right behind it",
            post(b"Connection: upgrade", b"Upgrade: h2c") + b"!" + LIVE,
            ADELIE,
            status(400, 501),
            end="closed",
            anywhere=False,
        ),
        case(
            "upgrade-then-refused",
            "without one, and a request behind it that is refused",
            get(b"/model", b"Connection: upgrade", b"Upgrade: h2c") + spoilt(b"guins.", b"guins .", LIVE),
            ABOUT,
            status(400),
            end="closed",
            anywhere=False,
        ),
        case(
            "upgrade-1.0",
            "in HTTP/1.0 it is ignored",
            post(b"Connection: upgrade", b"Upgrade: h2c", version=b"1.0"),
            ADELIE,
            end="closed",
            anywhere=False,
        ),
        case("upgrade-alone", "also where Connection does not name it", post(b"Upgrade: h2c"), ADELIE, anywhere=False),
    ),
]


def expecting(*fields: bytes, path: bytes = b"/predict", body: bytes = BIRD, version: bytes = b"1.1") -> Steps:
    """A request whose body is sent only when an answer has come."""
    request = post(b"Expect: 100-continue", *fields, path=path, body=body, version=version)
    return request.removesuffix(body), "answer", body


INSTEAD = "a refusal may come instead of it, and leaves the connection in order"

SEMANTICS = [
    *under(
        "9110 §10.1.1",
        case("expect", "who waits for 100 gets it, then the answer", expecting(), CONTINUE, ADELIE),
        case("expect-slow", "on any route", expecting(path=INFER_PATH, body=ROWS), CONTINUE, INFERRED),
        case(
            "expect-case",
            "in any case",
            (lines(b"POST /predict HTTP/1.1", HOST, b"EXPECT: 100-Continue", LENGTH), "answer", BIRD),
            CONTINUE,
            ADELIE,
        ),
        case(
            "expect-chunks",
            "chunked too",
            (lines(b"POST /predict HTTP/1.1", HOST, b"Expect: 100-continue", CHUNKED), "answer", chunks(BIRD)),
            CONTINUE,
            ADELIE,
        ),
        case(
            "expect-impatient",
            "who does not wait need not be told",
            post(b"Expect: 100-continue"),
            status(100, maybe=True),
            ADELIE,
        ),
        case(
            "expect-no-body",
            "nor who sends no body",
            get(b"/health/live", b"Expect: 100-continue"),
            status(100, maybe=True),
            ALIVE,
        ),
        case(
            "expect-1.0",
            "HTTP/1.0 is never told",
            post(b"Expect: 100-continue", version=b"1.0"),
            ADELIE,
            end="closed",
            anywhere=False,
        ),
        case(
            "expect-pipelined",
            "100 keeps its place among the answers",
            (MODEL + post(b"Expect: 100-continue").removesuffix(BIRD), "answer", "answer", BIRD + LIVE),
            ABOUT,
            CONTINUE,
            ADELIE,
            ALIVE,
        ),
        case(
            "expect-then-415",
            INSTEAD,
            expecting(b"Content-Type: text/plain"),
            status(100, 415),
            status(415, maybe=True),
            end="either",
            anywhere=False,
        ),
        case(
            "expect-then-404",
            INSTEAD,
            expecting(path=b"/nope"),
            status(100, 404),
            status(404, maybe=True),
            end="either",
            anywhere=False,
        ),
        case(
            "expect-then-413",
            "before a byte of the body is sent",
            (lines(b"POST /predict HTTP/1.1", HOST, b"Expect: 100-continue", b"Content-Length: 65537"),),
            status(413),
            end="closed",
            anywhere=False,
        ),
        tolerate("expect-other", "what else is expected cannot be met: 417", post(b"Expect: a-miracle"), 417),
    ),
    *under(
        "9110 §9.3.2",
        case(
            "head",
            "HEAD has the headers of GET and no body",
            get(method=b"HEAD"),
            Want((200,), headers=("content-type", "content-length"), head=True),
        ),
        case(
            "head-slow",
            "on any route, and the next answer follows at once",
            get(b"/openapi.json", method=b"HEAD") + get(b"/model", method=b"HEAD") + LIVE,
            Want((200,), headers=("content-length",), head=True),
            Want((200,), headers=("content-length",), head=True),
            ALIVE,
        ),
        case(
            "head-predict",
            "405 to HEAD has no body either",
            get(b"/predict", method=b"HEAD"),
            Want((405,), headers=("allow",), head=True),
        ),
        case("head-404", "nor has 404", get(b"/nope", method=b"HEAD"), Want((404,), head=True)),
    ),
    *under(
        "9110 §15.5.6",
        case("allow-get", "405 says which methods there are", get(b"/predict"), status(405, headers=("allow",))),
        case("allow-post", "on the fast path", post(path=b"/health/live"), status(405, headers=("allow",))),
        case("allow-slow", "on any route", get(b"/model", method=b"DELETE"), status(405, headers=("allow",))),
    ),
    *under(
        "9110 §9.3.7",
        case(
            "options",
            "OPTIONS is answered",
            get(b"/predict", method=b"OPTIONS"),
            status(200, 204, 405, headers=("allow",)),
        ),
    ),
    *under("9110 §9.3.8", case("trace", "TRACE may be refused", get(method=b"TRACE"), status(405, 501), end="either")),
    *under("9110 §8.3", case("type-json", "JSON is taken", post(JSON), ADELIE)),
    *under(
        "9110 §8.3.1",
        case("type-charset", "with parameters", post(JSON + b"; charset=utf-8"), ADELIE),
        case("type-case", "in any case", post(b"content-type: Application/JSON;Charset=UTF-8"), ADELIE),
    ),
    *under("9110 §8.3", case("type-absent", "and where nothing is said", PREDICT, ADELIE)),
    *under(
        "9110 §15.5.16",
        case("type-text", "what is not JSON: 415", post(b"Content-Type: text/plain"), status(415), end="either"),
        case(
            "type-form",
            "also a form",
            post(b"Content-Type: application/x-www-form-urlencoded"),
            status(415),
            end="either",
        ),
        case("type-longer", "also what only begins like JSON", post(JSON + b"x"), status(415), end="either"),
        case(
            "type-chunked",
            "also in chunks",
            framed(b"Content-Type: text/plain", CHUNKED, body=chunks(BIRD)),
            status(415),
            end="either",
        ),
    ),
    *under(
        "9110 §15.5.14",
        case("large", "a body of 65,536 bytes is taken", post(body=BIRD.ljust(65536)), ADELIE),
        case("large-chunks", "also in chunks", in_chunks(chunks(BIRD, b" " * (65536 - len(BIRD)))), ADELIE),
        case("too-large", "one byte more: 413", post(body=BIRD.ljust(65537)), status(413), end="either"),
        refuse("too-large-unsent", "before the body is sent", (framed(b"Content-Length: 65537", body=b""),), 413),
        refuse(
            "too-large-sending",
            "while it is being sent, and not lost to a reset",
            (framed(b"Content-Length: 1048576", body=b""), *[b" " * 65536] * 16),
            413,
        ),
        refuse(
            "too-large-chunks",
            "in chunks as soon as it is known",
            (in_chunks(b"8000\r\n" + b" " * 32768 + b"\r\n", b"8001\r\n" + b" " * 32769),),
            413,
        ),
        refuse(
            "too-large-chunks-sending",
            "and in chunks that go on",
            (in_chunks(b""), *[b"10000\r\n" + b" " * 65536 + b"\r\n"] * 8),
            413,
        ),
    ),
    *under(
        "9110 §5.1",
        case(
            "fields-unused",
            "fields that are not known or not of use are ignored",
            get(b"/model", b"Range: bytes=0-1", b"If-None-Match: *", b"X-Unheard-Of: 1", b"Accept: image/png"),
            status(200),
        ),
    ),
]

CASES = [*PARSING, *REQUEST_LINE, *FIELDS, *BODY, *CHUNKS, *CONNECTION, *SEMANTICS]


# The doors -----------------------------------------------------------------------------------------------------------


class Door(NamedTuple):
    """A running server and what it says."""

    name: str
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    def ask(self, request: bytes) -> Response:
        """The answer to one request on a connection of its own."""
        with Wire(self.port) as wire:
            wire.send(request)
            return wire.response(head=request.startswith(b"HEAD"))

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")


def command(name: str, port: int) -> tuple[str, ...]:
    """How the server is started."""
    if name == "granian":
        return ("granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", f"{port}", "--no-ws", "app.main:app")
    return ("app",)


@contextlib.contextmanager
def opened(name: str, bundle: Path, log: Path) -> Iterator[Door]:
    """Start the server; stop it at the end. It writes to a file: a pipe that no one reads would fill up."""
    port = free_port()
    environment = {
        "BUNDLE": f"{bundle}",
        **OWN,
        "HOST": "127.0.0.1",
        "PORT": f"{port}",
        "FAST_PATH": f"{int(name == 'fast')}",
        "MAX_LAG_MILLISECONDS": "60000",  # a busy machine is no reason to refuse what this is about
        "NOT_READY_SECONDS": "0",
    }
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", *command(name, port)],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=sink,
            stderr=sink,
        )
    door = Door(name, port, process, log)
    try:
        await_answer(door)
        yield door
    finally:
        process.terminate()
        try:
            left = process.wait(timeout=10)
        finally:
            process.kill()
    assert left == 0, door.said()


def free_port() -> int:
    """A port that no one listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def await_answer(door: Door) -> None:
    """Return as soon as the server answers."""
    until = time.monotonic() + 20
    while time.monotonic() < until and door.process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError):
            assert door.ask(LIVE).status == 200
            return
        time.sleep(0.05)
    raise AssertionError(f"{door.name} did not start:\n{door.said()}")


@pytest.fixture(scope="session")
def doors(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Door]]:
    """Any of the doors by its name, opened when it is first asked for."""
    directory = tmp_path_factory.mktemp("doors")
    with contextlib.ExitStack() as stack:
        yield cache(lambda name: stack.enter_context(opened(name, bundle_path, directory / f"{name}.log")))


@pytest.fixture(scope="module")
def door(request: pytest.FixtureRequest, doors: Callable[[str], Door]) -> Door:
    """One of the doors."""
    return doors(request.param)


# The tests -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("door", "case"),
    [
        pytest.param(door, case, id=f"{door}-{case.name}")
        for door in DOORS
        for case in CASES
        if case.anywhere or door in OURS
    ],
    indirect=["door"],
)
def test_conformance(door: Door, case: Case) -> None:
    """Every case of the table, at every door that it concerns."""
    before = len(door.said())
    with Wire(door.port) as wire:
        last = converse(wire, case)
        hold_end(wire, case, last)
    assert "Traceback" not in door.said()[before:], door.said()[before:]


def converse(wire: Wire, case: Case) -> Response | None:
    """Take the steps, hold the answers to what is wanted, and return the last one."""
    wants = deque(case.wants)
    last = None
    for step in case.steps:
        if isinstance(step, bytes):
            wire.send(step)
        elif step == "finish":
            wire.finish()
        else:
            last = hold(wire.response(head=wants[0].head), wants.popleft())
    return read_rest(wire, wants) or last


def read_rest(wire: Wire, wants: deque[Want]) -> Response | None:
    """Hold what else is answered to what else is wanted, and return the last answer."""
    last = response = None
    for want in wants:
        if want.maybe and not response and wire.quiet(0.3):
            continue
        response = response or wire.response_or_end(head=want.head)
        if want.maybe and (not response or response.status not in want.statuses):
            continue
        assert response, f"closed instead of {want}"
        last, response = hold(response, want), None
    assert not response, f"also answered: {response}"
    return last


def hold(response: Response, want: Want) -> Response:
    """Hold one answer to what is wanted of it, and of all."""
    assert response.status in want.statuses, response
    assert want.body in response.body
    assert all(response.values(name) for name in want.headers), response
    if response.status >= 200:
        hold_always(response)
    if response.status >= 400 and not want.head:
        assert response.values("content-type") == ["application/problem+json"], response
        assert response.document["status"] == response.status
    return response


def hold_always(response: Response) -> None:
    """Hold a final answer to what holds for all: a date (9110 §6.6.1), Allow with 405 (§15.5.6)."""
    (date,) = response.values("date")
    assert date.endswith(" GMT")
    assert abs(parsedate_to_datetime(date).timestamp() - time.time()) < 5
    assert response.status != 405 or response.values("allow"), response


def hold_end(wire: Wire, case: Case, last: Response | None) -> None:
    """The connection ends, said beforehand and without a reset; or it is fit for another request."""
    finished = "finish" in case.steps
    closes = finished or last is None or last.closes
    if case.end != "either":
        assert closes == (case.end == "closed"), last
    if closes:
        assert (wire.read_all(), wire.reset) == (b"", False)
    else:
        wire.send(LIVE)
        assert wire.response().body == ALIVE.body


@pytest.mark.parametrize("door", OURS, indirect=True)
@pytest.mark.parametrize("path", [b"/health/live", b"/model", b"/openapi.json"])
def test_head_has_the_headers_of_get(door: Door, path: bytes) -> None:
    """All but the date (9110 §9.3.2)."""
    with Wire(door.port) as wire:
        wire.send(get(path, method=b"HEAD") + get(path))
        head, whole = wire.response(head=True), wire.response()
    assert [field for field in head.headers if field[0] != "date"] == [
        field for field in whole.headers if field[0] != "date"
    ]


@pytest.mark.parametrize("door", OURS, indirect=True)
def test_no_answer_names_the_server(door: Door) -> None:
    """A good one, the application's errors, and the protocol's."""
    for request in (LIVE, MODEL, PREDICT, get(b"/nope"), get(b"/predict"), b"BAD\r\n\r\n"):
        assert not door.ask(request).values("server")


@pytest.mark.parametrize("door", OURS, indirect=True)
@pytest.mark.parametrize("request_", [PREDICT, IN_CHUNKS, INFER], ids=["predict", "chunks", "infer"])
def test_cut_in_two_anywhere(door: Door, request_: bytes) -> None:
    """At every position (9112 §2.2), on one connection."""
    with Wire(door.port) as wire:
        for position in range(1, len(request_)):
            wire.send(*cut(request_, position))
            assert wire.response().status == 200, position


birds_in_chunks = st.sets(st.integers(1, len(BIRD) - 1), max_size=4).map(
    lambda positions: in_chunks(chunks(*cut(BIRD, *sorted(positions))))
)
birds_in_space = st.integers(0, 3_000).map(lambda width: post(body=BIRD + b" " * width))
valid_requests = st.one_of(
    st.sampled_from([LIVE, MODEL, OPENAPI, PREDICT, INFER]),
    st.sampled_from([post(body=b"{}"), get(b"/nope"), get(b"/predict"), get(b"/model", CHUNKED) + chunks(LIVE)]),
    st.sampled_from([get(method=b"HEAD"), get(b"/openapi.json", method=b"HEAD"), get(b"/predict", method=b"HEAD")]),
    st.sampled_from([get(b"http://penguins.example/model"), get(b"/model", b"Connection: Upgrade", b"Upgrade: h2c")]),
    birds_in_chunks,
    birds_in_space,
)


@pytest.mark.parametrize("door", OURS, indirect=True)
@settings(max_examples=200)
@given(requests=st.lists(valid_requests, min_size=1, max_size=8), positions=st.sets(st.integers(1, 9_999), max_size=16))
def test_a_stream_of_requests(door: Door, requests: list[bytes], positions: set[int]) -> None:
    """However it is cut, it gets the answers that the requests get one by one, each on a connection of its own."""
    stream = b"".join(requests)
    with Wire(door.port) as wire:
        wire.send(*cut(stream, *sorted(position for position in positions if position < len(stream))))
        answers = [wire.response(head=request.startswith(b"HEAD")) for request in requests]
        assert wire.unread == b""
    assert [(answer.status, answer.body) for answer in answers] == [
        (answer.status, answer.body) for answer in map(door.ask, requests)
    ]


SPOILABLE = [LIVE, MODEL, PREDICT, INFER, IN_CHUNKS, post(b"Connection: keep-alive, Upgrade", b"Upgrade: h2c")]
mutations = st.tuples(
    st.sampled_from([0, 0, 1, 3]),  # bytes that go
    st.integers(0, 500),  # where
    st.one_of(
        st.sampled_from([b"", b"\r", b"\n", b"\r\n", b"\0", b" ", b":", b",", b"0", b"f"]), st.binary(max_size=3)
    ),
)


@pytest.mark.parametrize("door", OURS, indirect=True)
@settings(max_examples=300)
@given(
    requests=st.lists(st.sampled_from(SPOILABLE), min_size=1, max_size=3),
    changes=st.lists(mutations, min_size=1, max_size=4),
)
def test_a_spoilt_stream(door: Door, requests: list[bytes], changes: list[tuple[int, int, bytes]]) -> None:
    """It gets whole answers, none of them a fault of ours, and an end in bounded time; others are served as before."""
    stream = b"".join(requests)
    for width, start, new in changes:
        at = start % len(stream)
        stream = stream[:at] + new + stream[at + width :]
    before = len(door.said())
    with Wire(door.port, seconds=3) as wire:
        wire.send(stream)
        wire.finish()
        answers, rest = parse_all(wire.read_all())
    assert (rest, wire.reset) == (b"", False)
    assert all(answer.status < 500 or answer.status in (501, 505) for answer in answers)
    assert ADELIE.body in door.ask(PREDICT).body
    assert "Traceback" not in door.said()[before:], door.said()[before:]


# The page ------------------------------------------------------------------------------------------------------------


def test_the_list_is_long_enough_and_its_names_are_its_own() -> None:
    """At least 70 cases."""
    assert len({case.name for case in CASES}) == len(CASES) >= 70


def test_the_page_is_the_table() -> None:
    """Made by the command that it names."""
    assert PAGE.read_text(encoding="utf-8") == page()


def page() -> str:
    """docs/conformance.md."""
    return "\n".join([HEADING, *map(row, CASES), ""])


def row(case: Case) -> str:
    """A case in the page's table."""
    whose = "any server" if case.anywhere else "ours"
    return f"| {case.section} | {case.requirement} | {answers(case)} | {whose} | {case.name} |"


def answers(case: Case) -> str:
    """What is wanted, in few words: `200, 400, closed`."""
    each = [" or ".join(map(str, want.statuses)) + (" or nothing" if want.maybe else "") for want in case.wants]
    runs = [(text, len(list(same))) for text, same in groupby(each)]
    told = [text if count == 1 else f"{count} x {text}" for text, count in runs]
    return ", ".join([*told, *(["closed"] if case.end == "closed" else [])])


HEADING = f"""# HTTP/1.1, point by point

Made by `python -m tests.app.test_app_conformance > docs/conformance.md`; do not edit. {len(CASES)} cases of our own
making from what RFC 9112, and RFC 9110 where it says what requests mean, demand or leave to the server to decide.
`tests/app/test_app_conformance.py` asks them through real sockets of the service with its fast path and without it;
those that are not a server's own business also of another ASGI server, granian.

Held to in every case: the answer is parsed strictly; it has a date, and either Content-Length or chunks, never both;
an error is a problem document; a connection that ends says so in its last answer and ends without a reset; one that
goes on answers another request; the log has no traceback.

| section | requirement | answer | of | case |
| --- | --- | --- | --- | --- |"""


if __name__ == "__main__":
    sys.stdout.write(page())
