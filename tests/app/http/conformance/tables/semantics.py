"""What requests mean: RFC 9110."""

from tests.app.http.conformance.case import (
    ABOUT,
    ADELIE,
    ALIVE,
    CONTINUE,
    INFERRED,
    Steps,
    Want,
    case,
    refuse,
    status,
    tolerate,
    under,
)
from tests.app.http.conformance.messages import (
    BIRD,
    CHUNKED,
    HOST,
    INFER_PATH,
    JSON,
    LENGTH,
    LIVE,
    MODEL,
    PREDICT,
    ROWS,
    chunks,
    framed,
    get,
    in_chunks,
    lines,
    post,
)


def expecting(*fields: bytes, path: bytes = b"/predict", body: bytes = BIRD, version: bytes = b"1.1") -> Steps:
    """A request whose body is sent only when an answer has come."""
    request = post(b"Expect: 100-continue", *fields, path=path, body=body, version=version)
    return request.removesuffix(body), "answer", body


CASES = [
    *under(
        "9110 §10.1.1",
        case(
            "expect",
            "a client that waits for 100 gets it, then the answer: on the fast path",
            expecting(),
            CONTINUE,
            ADELIE,
        ),
        case(
            "expect-slow",
            "a client that waits for 100 gets it, then the answer: on another route",
            expecting(path=INFER_PATH, body=ROWS),
            CONTINUE,
            INFERRED,
        ),
        case(
            "expect-case",
            "Expect and its value are not case-sensitive",
            (lines(b"POST /predict HTTP/1.1", HOST, b"EXPECT: 100-Continue", LENGTH), "answer", BIRD),
            CONTINUE,
            ADELIE,
        ),
        case(
            "expect-chunks",
            "a client that waits for 100 may send a chunked body",
            (lines(b"POST /predict HTTP/1.1", HOST, b"Expect: 100-continue", CHUNKED), "answer", chunks(BIRD)),
            CONTINUE,
            ADELIE,
        ),
        case(
            "expect-impatient",
            "a client that does not wait for 100 need not get it",
            post(b"Expect: 100-continue"),
            status(100, maybe=True),
            ADELIE,
        ),
        case(
            "expect-no-body",
            "a client that sends no body need not get 100",
            get(b"/health/live", b"Expect: 100-continue"),
            status(100, maybe=True),
            ALIVE,
        ),
        case(
            "expect-1.0",
            "a client of HTTP/1.0 never gets 100",
            post(b"Expect: 100-continue", version=b"1.0"),
            ADELIE,
            end="closed",
            anywhere=False,
        ),
        case(
            "expect-pipelined",
            "100 has the place of its request among the answers",
            (MODEL + post(b"Expect: 100-continue").removesuffix(BIRD), "answer", "answer", BIRD + LIVE),
            ABOUT,
            CONTINUE,
            ADELIE,
            ALIVE,
        ),
        case(
            "expect-then-415",
            "415 may come instead of 100, and the connection stays in order",
            expecting(b"Content-Type: text/plain"),
            status(100, 415),
            status(415, maybe=True),
            end="either",
            anywhere=False,
        ),
        case(
            "expect-then-404",
            "404 may come instead of 100, and the connection stays in order",
            expecting(path=b"/nope"),
            status(100, 404),
            status(404, maybe=True),
            end="either",
            anywhere=False,
        ),
        case(
            "expect-then-413",
            "a body that is announced as too large gets 413 instead of 100",
            (lines(b"POST /predict HTTP/1.1", HOST, b"Expect: 100-continue", b"Content-Length: 65537"),),
            status(413),
            end="closed",
            anywhere=False,
        ),
        tolerate("expect-other", "any other expectation is answered with 417", post(b"Expect: a-miracle"), 417),
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
            "HEAD has no body, and the next answer follows at once",
            get(b"/openapi.json", method=b"HEAD") + get(b"/model", method=b"HEAD") + LIVE,
            Want((200,), headers=("content-length",), head=True),
            Want((200,), headers=("content-length",), head=True),
            ALIVE,
        ),
        case(
            "head-predict",
            "405 to HEAD has no body",
            get(b"/predict", method=b"HEAD"),
            Want((405,), headers=("allow",), head=True),
        ),
        case("head-404", "404 to HEAD has no body", get(b"/nope", method=b"HEAD"), Want((404,), head=True)),
    ),
    *under(
        "9110 §15.5.6",
        case("allow-get", "405 to GET names the methods in Allow", get(b"/predict"), status(405, headers=("allow",))),
        case(
            "allow-post",
            "405 to POST names the methods in Allow",
            post(path=b"/health/live"),
            status(405, headers=("allow",)),
        ),
        case(
            "allow-slow",
            "405 on another route names the methods in Allow",
            get(b"/model", method=b"DELETE"),
            status(405, headers=("allow",)),
        ),
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
    *under("9110 §8.3", case("type-json", "application/json is accepted", post(JSON), ADELIE)),
    *under(
        "9110 §8.3.1",
        case("type-charset", "application/json may have parameters", post(JSON + b"; charset=utf-8"), ADELIE),
        case(
            "type-case",
            "a media type is not case-sensitive",
            post(b"content-type: Application/JSON;Charset=UTF-8"),
            ADELIE,
        ),
    ),
    *under("9110 §8.3", case("type-absent", "a body without a media type is read as JSON", PREDICT, ADELIE)),
    *under(
        "9110 §15.5.16",
        case(
            "type-text", "text/plain is answered with 415", post(b"Content-Type: text/plain"), status(415), end="either"
        ),
        case(
            "type-form",
            "a form is answered with 415",
            post(b"Content-Type: application/x-www-form-urlencoded"),
            status(415),
            end="either",
        ),
        case(
            "type-longer",
            "a media type that only begins like JSON is answered with 415",
            post(JSON + b"x"),
            status(415),
            end="either",
        ),
        case(
            "type-chunked",
            "text/plain in chunks is answered with 415",
            framed(b"Content-Type: text/plain", CHUNKED, body=chunks(BIRD)),
            status(415),
            end="either",
        ),
    ),
    *under(
        "9110 §15.5.14",
        case("large", "a body of 65,536 bytes is accepted", post(body=BIRD.ljust(65536)), ADELIE),
        case(
            "large-chunks",
            "a chunked body of 65,536 bytes is accepted",
            in_chunks(chunks(BIRD, b" " * (65536 - len(BIRD)))),
            ADELIE,
        ),
        case(
            "too-large",
            "a body of 65,537 bytes is answered with 413",
            post(body=BIRD.ljust(65537)),
            status(413),
            end="either",
        ),
        refuse(
            "too-large-unsent",
            "a length of 65,537 is answered with 413 before the body is sent",
            (framed(b"Content-Length: 65537", body=b""),),
            413,
        ),
        refuse(
            "too-large-sending",
            "413 arrives while the client sends, and is not lost to a reset",
            (framed(b"Content-Length: 1048576", body=b""), *[b" " * 65536] * 16),
            413,
        ),
        refuse(
            "too-large-chunks",
            "chunks that exceed the limit are answered with 413 at once",
            (in_chunks(b"8000\r\n" + b" " * 32768 + b"\r\n", b"8001\r\n" + b" " * 32769),),
            413,
        ),
        refuse(
            "too-large-chunks-sending",
            "413 arrives while the client sends chunks",
            (in_chunks(b""), *[b"10000\r\n" + b" " * 65536 + b"\r\n"] * 8),
            413,
        ),
    ),
    *under(
        "9110 §5.1",
        case(
            "fields-unused",
            "fields that the server does not know or use are ignored",
            get(b"/model", b"Range: bytes=0-1", b"If-None-Match: *", b"X-Unheard-Of: 1", b"Accept: image/png"),
            status(200),
        ),
    ),
]
