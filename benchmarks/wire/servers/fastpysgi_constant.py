"""The least that a WSGI or an ASGI application can do, on FastPySGI: HTTP in C (llhttp and libuv), one process."""

import sys
from collections.abc import Callable, Iterable

import fastpysgi  # type: ignore[import-untyped]  # it has no types

from benchmarks.wire.servers.asgi_constant import unread
from benchmarks.wire.servers.constants import PORT, parts

pairs, body = parts()
HEADERS = [(name.decode(), value.decode()) for name, value in pairs if name != b"content-length"]
BODY = [body]


def wsgi(
    _environ: dict[str, object], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    """Answer any request."""
    start_response("200 OK", HEADERS)
    return BODY


if __name__ == "__main__":
    fastpysgi.run(wsgi if sys.argv[1] == "wsgi" else unread, host="127.0.0.1", port=PORT, loglevel=0)
