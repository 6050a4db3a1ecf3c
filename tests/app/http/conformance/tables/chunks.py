"""Chunked bodies: RFC 9112, section 7."""

from tests.app.http.conformance.case import ADELIE, case, refuse, status, under
from tests.app.http.conformance.messages import BIRD, IN_CHUNKS, LAST, SIZE, chunks, each_byte, in_chunks

CASES = [
    *under(
        "9112 §7.1",
        case("chunk-each-byte", "a chunk may have one byte", in_chunks(chunks(*each_byte(BIRD))), ADELIE),
        case("chunk-pieces", "a chunked body may arrive byte by byte", each_byte(IN_CHUNKS), ADELIE),
        case(
            "chunk-hex-case",
            "a chunk size may have capital and small letters",
            in_chunks(b"A\r\n" + BIRD[:10] + b"\r\na\r\n" + BIRD[10:20] + b"\r\n" + chunks(BIRD[20:])),
            ADELIE,
        ),
        case(
            "chunk-zeros",
            "a chunk size may have leading zeros",
            in_chunks(b"000" + SIZE + b"\r\n" + BIRD + b"\r\n000\r\n\r\n"),
            ADELIE,
        ),
    ),
    *under(
        "9112 §7.1.1",
        case(
            "chunk-extension",
            "an unknown chunk extension is ignored",
            in_chunks(SIZE + b';a;b=c;d="e; \\"f"\r\n' + BIRD + b"\r\n0;last\r\n\r\n"),
            ADELIE,
        ),
        refuse(
            "chunk-extension-endless",
            "a chunk extension that is too long is refused",
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
            "trailers with Content-Length or Host change nothing, or are refused",
            in_chunks(chunks(BIRD, trailers=b"Content-Length: 3\r\nHost: other.example\r\n")),
            status(200, 400),
            end="either",
        ),
        refuse(
            "trailer-malformed",
            "a malformed trailer is refused",
            in_chunks(chunks(BIRD, trailers=b"X Sum: 1\r\n")),
        ),
        refuse(
            "trailers-too-large",
            "trailers that are too large are refused",
            (in_chunks(chunks(BIRD, trailers=b"X-A: " + b"a" * 100_000 + b"\r\n")),),
            400,
            413,
            431,
        ),
        refuse(
            "trailers-endless",
            "trailers that are too large are refused before they end",
            (in_chunks(chunks(BIRD)[:-2] + b"X-A: " + b"a" * 100_000),),
            400,
            413,
            431,
        ),
    ),
    *under(
        "9112 §7.1",
        refuse(
            "chunk-size-word",
            "a chunk size that is not hexadecimal is refused",
            in_chunks(b"zz\r\n" + BIRD + b"\r\n" + LAST),
        ),
        refuse("chunk-size-empty", "an empty chunk size is refused", in_chunks(b"\r\n" + BIRD + b"\r\n" + LAST)),
        refuse("chunk-size-minus", "a chunk size with a sign is refused", in_chunks(b"-1\r\n" + BIRD + b"\r\n" + LAST)),
        refuse(
            "chunk-size-0x",
            "a chunk size with a prefix is refused",
            in_chunks(b"0x" + SIZE + b"\r\n" + BIRD + b"\r\n" + LAST),
        ),
        refuse(
            "chunk-size-space",
            "a chunk size with a space is refused",
            in_chunks(b" " + SIZE + b"\r\n" + BIRD + b"\r\n" + LAST),
        ),
        refuse(
            "chunk-size-overflow",
            "a chunk size does not overflow",
            in_chunks(b"1" + b"0" * 16 + SIZE + b"\r\n" + BIRD + b"\r\n" + LAST),
            400,
            413,
        ),
        refuse(
            "chunk-size-lf", "a bare LF after a chunk size is refused", in_chunks(SIZE + b"\n" + BIRD + b"\r\n" + LAST)
        ),
        refuse(
            "chunk-size-cr", "a bare CR after a chunk size is refused", in_chunks(SIZE + b"\r" + BIRD + b"\r\n" + LAST)
        ),
    ),
    *under(
        "9112 §7.1.1",
        refuse(
            "chunk-extension-lf",
            "a bare LF after a chunk extension is refused",
            in_chunks(SIZE + b";a\n" + BIRD + b"\r\n" + LAST),
        ),
    ),
    *under(
        "9112 §7.1",
        refuse(
            "chunk-data-long",
            "a chunk with more data than its size is refused",
            in_chunks(SIZE + b"\r\n" + BIRD + b"X\r\n" + LAST),
        ),
        refuse(
            "chunk-data-lf",
            "a bare LF after the data of a chunk is refused",
            in_chunks(SIZE + b"\r\n" + BIRD + b"\n" + LAST),
        ),
        refuse(
            "chunk-data-none", "a chunk without CRLF after its data is refused", in_chunks(SIZE + b"\r\n" + BIRD + LAST)
        ),
    ),
]
