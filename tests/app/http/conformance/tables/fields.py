"""Header fields: RFC 9112, section 5."""

from tests.app.http.conformance.case import ADELIE, case, refuse, under
from tests.app.http.conformance.messages import BIRD, LENGTH, LIVE, chunks, cut, framed, get, post, spoilt

CASES = [
    *under(
        "9112 §5",
        case("name-case", "the name of a field is not case-sensitive", spoilt(b"Content-L", b"cONTENT-l"), ADELIE),
        case("value-empty", "a value may be empty", post(b"X-A:", b"X-B: \t "), ADELIE),
    ),
    *under(
        "9112 §5.1",
        case("no-space", "a value needs no space before it", spoilt(b"Host: ", b"Host:"), ADELIE),
        case(
            "space-around-value",
            "whitespace around a value is not a part of it",
            framed(b"Content-Length: \t %d \t " % len(BIRD)),
            ADELIE,
        ),
        refuse("space-before-colon", "whitespace before the colon of a field is refused", post(b"X-A : b")),
        refuse(
            "host-before-colon", "whitespace before the colon of Host is refused", spoilt(b"Host:", b"Host :", LIVE)
        ),
        refuse(
            "length-before-colon",
            "whitespace before the colon of Content-Length is refused",
            spoilt(b"Length:", b"Length\t:"),
        ),
        refuse(
            "coding-before-colon",
            "whitespace before the colon of Transfer-Encoding is refused",
            framed(b"Transfer-Encoding : chunked", LENGTH),
        ),
    ),
    *under(
        "9112 §5.2",
        refuse("obs-fold", "a value folded by a space is refused", post(b"X-A: one\r\n two")),
        refuse("obs-fold-tab", "a value folded by a tab is refused", post(b"X-A: one\r\n\ttwo")),
        refuse(
            "obs-fold-coding",
            "a folded value of Transfer-Encoding is refused",
            framed(b"Transfer-Encoding:\r\n chunked", body=chunks(BIRD)),
        ),
    ),
    *under(
        "9112 §5",
        refuse("no-colon", "a field without a colon is refused", post(b"nonsense")),
        refuse("name-empty", "a field without a name is refused", post(b": value")),
        refuse("name-space", "a name with whitespace is refused", post(b"X A: value")),
        refuse("name-delimiter", "a name with a delimiter is refused", post(b"X(A): value")),
        refuse("name-nul", "a name with NUL is refused", post(b"X\x00A: value")),
        refuse("name-high", "a name with a high byte is refused", post(b"X\xe9A: value")),
    ),
    *under(
        "9110 §5.5",
        refuse("nul-in-value", "NUL in a value is refused", post(b"X-A: one\x00two")),
        refuse("control-in-value", "a control byte in a value is refused", post(b"X-A: one\x01two")),
        refuse("delete-in-value", "DEL in a value is refused", post(b"X-A: one\x7ftwo")),
    ),
    *under(
        "9110 §5.4",
        case("headers-15000", "15,000 bytes of fields are accepted", post(b"X-A: " + b"a" * 15000), ADELIE),
        refuse(
            "headers-too-large",
            "a field that is too large is refused, never ignored",
            post(b"X-A: " + b"a" * 17000),
            431,
        ),
        refuse(
            "headers-too-large-pieces",
            "a field that is too large is refused in any pieces",
            (*cut(post(b"X-A: " + b"a" * 17_000), *range(1_000, 17_000, 1_000)), LIVE),
            431,
        ),
        refuse(
            "headers-too-many",
            "many small fields that are too large in sum are refused",
            get(b"/model", *[b"X-%d: %s" % (number, b"a" * 50) for number in range(400)]),
            431,
        ),
        refuse(
            "headers-endless",
            "fields that are too large are refused before they end",
            (get()[:-2] + b"X: " + b"a" * 50000,),
            431,
        ),
    ),
]
