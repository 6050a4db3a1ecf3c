"""The metrics' own port: GET /metrics, for a scraper in the same machine, container or network.

A scraper that is slow, silent or one of many is cut off; it costs the requests nothing but the making of the text.
"""

import asyncio
import logging
from collections.abc import Callable

from app.exposition import CONTENT_TYPE

SCRAPERS = 8  # connections at once
SECONDS = 10.0  # for one of them to ask and to read
REQUEST_BYTES = 8_192
RETRY_SECONDS = 5.0  # after which a port that was taken is tried again

logger = logging.getLogger("uvicorn.error")


class Scrape(asyncio.Protocol):
    """One connection, one request."""

    def __init__(self, render: Callable[[], bytes], open_ones: "set[Scrape]") -> None:
        self._render = render
        self._open = open_ones
        self._request = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # a TCP one
        """Let it in, or not."""
        self._transport = transport
        if len(self._open) >= SCRAPERS:
            transport.abort()
            return
        self._open.add(self)
        self._deadline = asyncio.get_running_loop().call_later(SECONDS, transport.abort)

    def connection_lost(self, _: Exception | None) -> None:
        """It has gone."""
        if self in self._open:
            self._open.remove(self)
            self._deadline.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer as soon as the head is whole, then close."""
        if self._transport.is_closing():
            return
        self._request += data
        if b"\r\n\r\n" in self._request:
            self._transport.write(self._answer())
            self._transport.close()
        elif len(self._request) > REQUEST_BYTES:
            self._transport.abort()

    def _answer(self) -> bytes:
        method, _, rest = self._request.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if path != b"/metrics":
            return _response(b"404 Not Found", b"GET /metrics\n", b"text/plain")
        if method not in (b"GET", b"HEAD"):
            return _response(b"405 Method Not Allowed", b"GET /metrics\n", b"text/plain\r\nAllow: GET, HEAD")
        return _response(b"200 OK", self._render(), CONTENT_TYPE, bodiless=method == b"HEAD")


def _response(status: bytes, body: bytes, content_type: bytes, *, bodiless: bool = False) -> bytes:
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    return head % (status, content_type, len(body)) + (b"" if bodiless else body)


async def listen_for_scrapers(
    host: str, port: int, render: Callable[[], bytes], tried: asyncio.Event | None = None
) -> None:
    """For as long as the loop runs. A port that is taken is said once and tried again: the service goes on without.

    `tried` is set after the first time.
    """
    open_ones: set[Scrape] = set()
    server = None
    said = False
    while server is None:
        try:
            server = await asyncio.get_running_loop().create_server(lambda: Scrape(render, open_ones), host, port)
        except OSError as error:
            if not said:
                logger.warning(
                    "no metrics: cannot listen on METRICS_HOST %s METRICS_PORT %d: %s; it is tried again",
                    host,
                    port,
                    error,
                )
            said = True
        if tried is not None:
            tried.set()
        if server is None:
            await asyncio.sleep(RETRY_SECONDS)
    try:
        await asyncio.Event().wait()  # until it is cancelled
    finally:
        server.close()
