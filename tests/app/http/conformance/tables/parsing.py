"""Messages, versions and line ends: RFC 9112, section 2."""

from tests.app.http.conformance.case import ADELIE, ALIVE, case, refuse, tolerate, under
from tests.app.http.conformance.messages import LIVE, PREDICT, post, spoilt

CASES = [
    *under(
        "9112 §2.2",
        case("empty-line-first", "an empty line before the request line is ignored", b"\r\n" + LIVE, ALIVE),
        case(
            "empty-line-between",
            "an empty line between two requests is ignored",
            PREDICT + b"\r\n" + LIVE,
            ADELIE,
            ALIVE,
        ),
        refuse("empty-lines-endless", "forty thousand empty lines are refused", (b"\r\n" * 40_000,), 400, 414, 431),
        case(
            "obs-text",
            "high bytes in a value are accepted: a message is octets, not Unicode",
            post(b"X-Name: \xff\xfe\xc3"),
            ADELIE,
        ),
        refuse("lf-request-line", "a bare LF does not end the request line", spoilt(b"1.1\r\n", b"1.1\n", LIVE)),
        refuse("lf-field", "a bare LF does not end a field", spoilt(b"example\r\n", b"example\n")),
        refuse("lf-block", "a bare LF does not end the header block", spoilt(b"\r\n\r\n", b"\r\n\n")),
        refuse("lf-only", "a message with LF at the end of every line is refused", LIVE.replace(b"\r\n", b"\n")),
        refuse("cr-in-value", "a bare CR in a value is refused", post(b"X-A: one\rX-B: two")),
        refuse("cr-in-request-line", "a bare CR in the request line is refused", spoilt(b" HTTP", b"\rHTTP", LIVE)),
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
            "bytes that are not HTTP are answered with 400",
            (bytes.fromhex("16030100c8010000c40303") + bytes(range(189)),),
        ),
        refuse(
            "http2-preface",
            "HTTP/2 without negotiation is refused",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            400,
            405,
            501,
            505,
        ),
    ),
    *under(
        "9112 §2.3",
        refuse("version-2", "a major version that the server does not speak is refused", spoilt(b"1.1", b"2.0"), 505),
        refuse("version-3", "a version that does not exist is refused", spoilt(b"1.1", b"3.7", LIVE), 505),
        tolerate(
            "version-1.2",
            "a higher minor version is served as 1.1, or refused",
            spoilt(b"1.1", b"1.2", LIVE),
            200,
            400,
            505,
        ),
        refuse("version-0.9", "HTTP/0.9 is refused", spoilt(b"1.1", b"0.9", LIVE), 400, 505),
        refuse("version-case", "HTTP in small letters is refused", spoilt(b"HTTP", b"http", LIVE)),
        refuse(
            "version-digits", "a version is one digit, a dot, and one digit", spoilt(b"1.1", b"1.10", LIVE), 400, 505
        ),
        refuse("version-short", "a version without its second digit is refused", spoilt(b"1.1", b"1", LIVE), 400, 505),
    ),
    *under(
        "9112 §3",
        refuse("no-version", "a request line without a version is refused", spoilt(b" HTTP/1.1", b"", LIVE), 400, 505),
    ),
]
