"""How a body is framed: RFC 9112, section 6."""

from tests.app.http.conformance.case import ABOUT, ADELIE, ALIVE, INFERRED, case, refuse, status, tolerate, under
from tests.app.http.conformance.messages import (
    BIRD,
    CHUNKED,
    HOST,
    IN_CHUNKS,
    INFER_PATH,
    LENGTH,
    LIVE,
    ROWS,
    chunks,
    framed,
    lines,
)

CASES = [
    *under(
        "9112 §6",
        case(
            "get-with-body",
            "a GET may have a body with a length",
            (lines(b"GET /health/live HTTP/1.1", HOST, b"Content-Length: 40", body=LIVE[:40]),),
            ALIVE,
        ),
        case(
            "get-with-chunks",
            "a GET may have a chunked body",
            (lines(b"GET /model HTTP/1.1", HOST, CHUNKED, body=chunks(LIVE)),),
            ABOUT,
        ),
    ),
    *under(
        "9112 §6.1",
        case("chunked", "chunked is understood: on the fast path", IN_CHUNKS, ADELIE),
        case(
            "chunked-slow",
            "chunked is understood: on another route",
            lines(b"POST %s HTTP/1.1" % INFER_PATH, HOST, CHUNKED, body=chunks(ROWS[:9], ROWS[9:])),
            INFERRED,
        ),
        case(
            "coding-case",
            "the name of a coding is not case-sensitive",
            framed(b"transfer-encoding: CHUNKED", body=chunks(BIRD)),
            ADELIE,
        ),
        refuse(
            "coding-unknown-chunked",
            "an unknown coding before chunked is answered with 501",
            framed(b"Transfer-Encoding: gzip, chunked", body=chunks(BIRD)),
            501,
        ),
        refuse(
            "coding-two-lines",
            "an unknown coding in a line of its own is refused",
            framed(b"Transfer-Encoding: gzip", CHUNKED, body=chunks(BIRD)),
            400,
            501,
        ),
    ),
    *under(
        "9112 §6.3",
        refuse("coding-unknown", "an unknown coding alone is refused", framed(b"Transfer-Encoding: gzip"), 400, 501),
    ),
    *under(
        "9112 §6.1",
        refuse(
            "coding-identity",
            "identity is refused: RFC 9112 no longer has it",
            framed(b"Transfer-Encoding: identity"),
            400,
            501,
        ),
    ),
    *under(
        "9112 §6.3",
        refuse(
            "coding-not-last",
            "a coding after chunked is refused",
            framed(b"Transfer-Encoding: chunked, gzip", body=chunks(BIRD)),
            400,
            501,
        ),
    ),
    *under(
        "9112 §6.1",
        refuse(
            "coding-chunked-twice",
            "chunked twice in one line is refused",
            framed(b"Transfer-Encoding: chunked, chunked", body=chunks(BIRD)),
            400,
            501,
        ),
        refuse(
            "coding-chunked-lines",
            "chunked twice in two lines is refused",
            framed(CHUNKED, CHUNKED, body=chunks(BIRD)),
            400,
            501,
        ),
        refuse("coding-prefix", "xchunked is not chunked", framed(b"Transfer-Encoding: xchunked"), 400, 501),
        refuse("coding-suffix", "chunkedx is not chunked", framed(b"Transfer-Encoding: chunkedx"), 400, 501),
        refuse(
            "coding-quoted",
            "a quoted coding is refused",
            framed(b'Transfer-Encoding: "chunked"', body=chunks(BIRD)),
            400,
            501,
        ),
        refuse(
            "coding-empty", "an empty Transfer-Encoding is refused", framed(b"Transfer-Encoding:", LENGTH), 400, 501
        ),
        refuse(
            "coding-vertical-tab",
            "a control byte before a coding is refused: it is not whitespace",
            framed(b"Transfer-Encoding: \x0bchunked", body=chunks(BIRD)),
        ),
        refuse(
            "coding-and-length",
            "Content-Length before Transfer-Encoding is refused: it may be an attack",
            framed(LENGTH, CHUNKED, body=chunks(BIRD)),
        ),
        refuse(
            "length-and-coding",
            "Content-Length after Transfer-Encoding is refused",
            framed(CHUNKED, LENGTH, body=chunks(BIRD)),
        ),
        refuse(
            "coding-1.0",
            "Transfer-Encoding in HTTP/1.0 is refused",
            framed(CHUNKED, body=chunks(BIRD), version=b"1.0"),
        ),
    ),
    *under(
        "9112 §6.3",
        refuse("length-differs", "two Content-Lengths that differ are refused", framed(LENGTH, b"Content-Length: 1")),
        refuse(
            "length-list-differs", "two Content-Lengths that differ in one line are refused", framed(LENGTH + b", 6")
        ),
        tolerate(
            "length-repeated", "two equal Content-Lengths are read as one, or refused", framed(LENGTH, LENGTH), 200, 400
        ),
        tolerate(
            "length-list",
            "two equal Content-Lengths in one line are read as one, or refused",
            framed(LENGTH + b", %d" % len(BIRD)),
            200,
            400,
        ),
        refuse("length-plus", "a length with a plus sign is refused", framed(b"Content-Length: +5")),
        refuse("length-minus", "a length with a minus sign is refused", framed(b"Content-Length: -1")),
        refuse("length-hex", "a hexadecimal length is refused", framed(b"Content-Length: 0x10")),
        refuse("length-empty", "an empty length is refused", framed(b"Content-Length:")),
        refuse("length-spaced", "a length with a space in it is refused", framed(b"Content-Length: 8 2")),
        refuse("length-underscore", "a length with an underscore is refused", framed(b"Content-Length: 8_2")),
        refuse(
            "length-arabic", "a length in digits that are not ASCII is refused", framed("Content-Length: ٨٢".encode())
        ),
        case(
            "length-zeros",
            "a length with leading zeros is accepted",
            framed(b"Content-Length: 000%d" % len(BIRD)),
            ADELIE,
        ),
    ),
    *under(
        "9110 §8.6",
        refuse(
            "length-overflow-32",
            "a length above 2^32 does not overflow",
            (framed(b"Content-Length: %d" % (len(BIRD) + 2**32)),),
            413,
        ),
        refuse(
            "length-overflow-64",
            "a length above 2^64 does not overflow",
            (framed(b"Content-Length: %d" % (len(BIRD) + 2**64)),),
            400,
            413,
        ),
    ),
    *under(
        "9112 §6.3",
        case(
            "no-length",
            "a request without length and coding has no body",
            (framed(body=b"") + LIVE,),
            status(422),
            ALIVE,
        ),
        case(
            "length-short",
            "bytes after the body are read as the next request",
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
            "a body that ends early is never read as a whole body",
            (framed(b"Content-Length: %d" % (len(BIRD) + 1)), "finish"),
            status(400, 408, maybe=True),
            end="closed",
            anywhere=False,
        ),
        case(
            "chunks-incomplete",
            "a chunked body without its last chunk is never read as a whole body",
            (framed(CHUNKED, body=chunks(BIRD)[:-5]), "finish"),
            status(400, 408, maybe=True),
            end="closed",
            anywhere=False,
        ),
        case(
            "header-incomplete",
            "a header block without its end is never answered as a request",
            (LIVE[:-2], "finish"),
            status(400, 408, maybe=True),
            end="closed",
            anywhere=False,
        ),
    ),
]
