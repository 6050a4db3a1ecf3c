"""Upgrades, which the service ignores: RFC 9110, section 7.8."""

from tests.app.http.conformance.case import ABOUT, ADELIE, ALIVE, INFERRED, case, status, under
from tests.app.http.conformance.messages import (
    BIRD,
    CHUNKED,
    INFER,
    LIVE,
    MODEL,
    PREDICT,
    chunks,
    each_byte,
    framed,
    get,
    post,
    spoilt,
)

CASES = [
    *under(
        "9110 §7.8",
        case(
            "upgrade-h2c",
            "an upgrade may be ignored: the answer is HTTP/1.1",
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
            "an ignored upgrade is answered, and the requests after it",
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
            "an ignored upgrade may have a body and requests after it",
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
            "an ignored upgrade may have a chunked body that arrives byte by byte",
            each_byte(framed(b"Connection: upgrade", b"Upgrade: h2c", CHUNKED, body=chunks(BIRD)) + LIVE),
            ADELIE,
            ALIVE,
            anywhere=False,
        ),
        case(
            "upgrade-empty-body",
            "an ignored upgrade may have an empty body and requests after it",
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
            "an ignored upgrade may have only the last chunk and requests after it",
            get(b"/model", b"Connection: upgrade", b"Upgrade: h2c", CHUNKED) + chunks() + PREDICT,
            ABOUT,
            ADELIE,
            anywhere=False,
        ),
        case(
            "upgrade-then-bad",
            "a bad request after an ignored upgrade with a body is refused",
            post(b"Connection: upgrade", b"Upgrade: h2c") + b"!" + LIVE,
            ADELIE,
            status(400, 501),
            end="closed",
            anywhere=False,
        ),
        case(
            "upgrade-then-refused",
            "a bad request after an ignored upgrade without a body is refused",
            get(b"/model", b"Connection: upgrade", b"Upgrade: h2c") + spoilt(b"guins.", b"guins .", LIVE),
            ABOUT,
            status(400),
            end="closed",
            anywhere=False,
        ),
        case(
            "upgrade-1.0",
            "an upgrade in HTTP/1.0 is ignored",
            post(b"Connection: upgrade", b"Upgrade: h2c", version=b"1.0"),
            ADELIE,
            end="closed",
            anywhere=False,
        ),
        case(
            "upgrade-alone",
            "an upgrade that Connection does not name is ignored",
            post(b"Upgrade: h2c"),
            ADELIE,
            anywhere=False,
        ),
    ),
]
