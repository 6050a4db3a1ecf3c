"""The separate port of the metrics: GET /metrics, for a scraper on the same machine or network.

A scraper that is slow or silent, or one too many, is disconnected. So scrapers delay requests only by the time that it
takes to make the page.
"""

import asyncio
import logging
from collections.abc import Callable

from app.metrics.exposition import CONTENT_TYPE

SCRAPERS = 8  # connections at the same time
SECONDS = 10.0  # for a scraper to send its request and to read the answer
REQUEST_BYTES = 8_192  # the largest request
RETRY_SECONDS = 5.0  # between two attempts to listen

logger = logging.getLogger("uvicorn.error")


class Scrape(asyncio.Protocol):
    """One connection of a scraper, which answers one request. `render` returns the page."""

    def __init__(self, render: Callable[[], bytes], open_scrapes: "set[Scrape]") -> None:
        self._render = render
        self._open = open_scrapes
        self._request = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # always TCP
        """Accept the connection, or close it if there are too many."""
        self._transport = transport
        if len(self._open) >= SCRAPERS:
            transport.abort()
            return
        self._open.add(self)
        self._deadline = asyncio.get_running_loop().call_later(SECONDS, transport.abort)

    def connection_lost(self, _: Exception | None) -> None:
        """Forget the connection."""
        if self in self._open:
            self._open.remove(self)
            self._deadline.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer as soon as the request's headers are complete, then close the connection."""
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
    """Serve the page until this task is cancelled. `tried` is set after the first attempt to listen.

    If the port is taken, log it once and try again every RETRY_SECONDS: the service itself does not need this port.
    """
    open_scrapes: set[Scrape] = set()
    server = None
    warned = False
    while server is None:
        try:
            server = await asyncio.get_running_loop().create_server(lambda: Scrape(render, open_scrapes), host, port)
        except OSError as error:
            if not warned:
                logger.warning(
                    "no metrics: cannot listen on METRICS_HOST %s METRICS_PORT %d: %s; trying again every %g s",
                    host,
                    port,
                    error,
                    RETRY_SECONDS,
                )
            warned = True
        if tried is not None:
            tried.set()
        if server is None:
            await asyncio.sleep(RETRY_SECONDS)
    try:
        await asyncio.Event().wait()  # until it is cancelled
    finally:
        server.close()
