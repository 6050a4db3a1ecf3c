"""Made-up streams of requests: valid ones, with mistakes, ahead of each other, and split at any byte."""

import json
from collections.abc import Callable
from random import Random

from tests.support.commands import EXAMPLE
from tests.support.inference import INFER

BIRD = json.dumps(EXAMPLE).encode()
BODIES = (BIRD, BIRD, BIRD, b"{}", b"", b"[", b'{"bill_length_mm": 1e999}', BIRD.ljust(3000), b"\xff", BIRD[:40])
TARGETS = (
    *(b"/predict",) * 12,
    *(b"/health/live", b"/health/ready", b"/v2/health/live", b"/model", b"/nowhere", b"/", b"*"),
    *(
        b"/predict?x=1",
        b"/predict/",
        b"/%70redict",
        b"/health%2flive",
        b"http://x/predict",
        b"//predict",
        b"/predict#a",
    ),
    INFER.encode(),
)
METHODS = (*(b"POST",) * 8, b"GET", b"GET", b"HEAD", b"PUT", b"OPTIONS", b"post", b"CONNECT", b"BREW", b"")
HEADERS = (
    *(b"Content-Type: application/json", b"Content-Type: application/json; charset=utf8", b"Content-Type: text/plain"),
    *(b"content-type:application/json", b"Content-Type: ", b"Content-Type : application/json"),
    *(b"Connection: keep-alive", b"Connection: close", b"Connection: Keep-Alive ", b"connection: upgrade"),
    *(b"Expect: 100-continue", b"Expect: nothing", b"Content-Encoding: gzip", b"Content-Encoding: identity "),
    *(b"Transfer-Encoding: identity", b"Transfer-Encoding: gzip, chunked", b"Upgrade: websocket", b"TE: trailers"),
    *(b"User-Agent: field/1.0", b"Accept: */*", b"X-Forwarded-For: 203.0.113.7", b"Traceparent: 00-01-02-01"),
    *(
        b"X: " + b"x" * 900,
        b"X: \x80\xff",
        b"X: \x01",
        b"X\x00: y",
        b"X: a\r\n b",
        b"X",
        b": x",
        b"Host: y",
        b"Prefer: server-timing",
    ),
    *(
        b"Content-Length: 94",
        b"Content-Length: +94",
        b"Content-Length: 94, 94",
        b"Content-Length: 0000094",
        b"X-Y:\tz\t",
    ),
)
HOSTS = (
    *(b"Host: x",) * 10,
    b"host:x",
    b"HOST: penguins.example:8080",
    b"Host: x ",
    b"Host:",
    b"Host: a b",
    b"",
    b"Host: [::1]:80",
)
VERSIONS = (*(b"HTTP/1.1",) * 12, b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"RTSP/1.0", b"http/1.1", b"")


def request(random: Random) -> bytes:
    """Make a request, which is mostly valid."""
    body = random.choice(BODIES)
    lines = [random.choice(HOSTS), *random.choices(HEADERS[:1] + HEADERS[16:20], k=random.randrange(3))]
    if random.random() < 0.3:
        lines.append(random.choice(HEADERS))
    if random.random() < 0.2:
        lines.append(b"Transfer-Encoding: chunked")
        body = chunked(random, body)
    elif body or random.random() < 0.5:
        lines.append(b"Content-Length: %d" % len(body))
    random.shuffle(lines)
    if random.random() < 0.2:
        lines = [line.swapcase() if random.random() < 0.3 else line for line in lines]
    first = b"%b %b %b" % (random.choice(METHODS), random.choice(TARGETS), random.choice(VERSIONS))
    return b"\r\n".join([first, *(line for line in lines if line), b"", body])


def chunked(random: Random, body: bytes) -> bytes:
    """Put the body in chunks, sometimes with an extension or trailers."""
    at = random.randrange(len(body) + 1)
    pieces = [piece for piece in (body[:at], body[at:]) if piece]
    extension = b";a=b" if random.random() < 0.2 else b""
    trailers = b"X: y\r\n" if random.random() < 0.2 else b""
    return b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces) + b"0\r\n%b\r\n" % trailers


def flip(random: Random, data: bytes) -> bytes:
    """Change a byte somewhere."""
    at = random.randrange(len(data) or 1)
    return data[:at] + bytes([random.choice((0, 9, 10, 13, 32, 58, 128, 255, random.randrange(256)))]) + data[at + 1 :]


def drop(random: Random, data: bytes) -> bytes:
    """Drop some bytes."""
    at = random.randrange(len(data) or 1)
    return data[:at] + data[at + random.choice((1, 1, 1, 2, 10)) :]


def repeat(random: Random, data: bytes) -> bytes:
    """Repeat some bytes."""
    at, size = random.randrange(len(data) or 1), random.choice((1, 1, 2, 20))
    return data[: at + size] + data[at:]


def cut(random: Random, data: bytes) -> bytes:
    """Cut the data off."""
    return data[: random.randrange(len(data) or 1)]


MISTAKES: tuple[Callable[[Random, bytes], bytes], ...] = (flip, drop, repeat, flip, drop, repeat, cut)


def stream(random: Random) -> list[bytes]:
    """Make what one client sends, in pieces."""
    data = b"".join(request(random) for _ in range(random.choice((1, 1, 1, 2, 3, 4))))
    while random.random() < 0.35:
        data = random.choice(MISTAKES)(random, data)
    cuts = sorted(random.randrange(len(data) or 1) for _ in range(random.choice((0, 0, 0, 1, 2, 5))))
    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    return [piece for piece in pieces if piece]
