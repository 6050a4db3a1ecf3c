"""What the fakes of HTTP services share: a server on a free port, and a handler with one method for all requests."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server(ThreadingHTTPServer):
    """A server that ends without waiting for its connections."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that leave in the middle of an answer."""


class Handler(BaseHTTPRequestHandler):
    """Reads the body of a request and calls `respond`. Logs nothing."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    wbufsize = -1  # one write for each answer

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  # the base class's name
        pass

    def do_GET(self) -> None:
        self.respond(self.rfile.read(int(self.headers.get("content-length") or 0)))

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def respond(self, body: bytes) -> None:
        """Answer the request."""
        raise NotImplementedError

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Send an answer with its length."""
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


@contextlib.contextmanager
def running(handler: type[Handler], before_the_end: Callable[[], object] = lambda: None) -> Iterator[int]:
    """Serve on a free port until the end of the block. Yields the port."""
    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        before_the_end()
        server.shutdown()
        thread.join()
        server.server_close()
