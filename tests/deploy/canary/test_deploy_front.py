"""HAProxy's figures of a revision that answers, fails, breaks off or is not there."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from contract.refusal import Refusal
from deploy.haproxy import HAProxy, HAProxyFront
from tests.deploy.stage import haproxy
from tests.support.telemetry import free_port, needed


@contextmanager
def saying(answer: bytes) -> Iterator[int]:
    """Run a server that is ready, and answers every other request with these bytes. Yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    ready = b"GET /health" in connection.recv(9999)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" if ready else answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def ask(port: int, times: int) -> list[int]:
    """Return the statuses that users got."""
    found = []
    for _ in range(times):
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            connection.request("POST", "/predict", b"{}")
            found.append(connection.getresponse().status)
    return found


def port(number: int) -> Any:
    """Return what stands for a service: it has a port."""
    return SimpleNamespace(port=number)


def test_haproxy_counts_what_users_got(tmp_path: Path) -> None:
    """A server's 5xx, and answers that broke off, are failures; those before the moment do not count."""
    needed("haproxy", "haproxy")
    front = free_port()
    with (
        saying(b"HTTP/1.1 500 Failed\r\nContent-Length: 0\r\n\r\n") as failing,
        saying(b"HTTP/1.1 200") as broken,
        haproxy(tmp_path, front, port(failing), port(broken)),
    ):
        splitter = HAProxy(tmp_path / "admin.sock", "penguins")
        blue, green = (HAProxyFront(splitter, name) for name in ("blue", "green"))
        for name in ("blue", "green"):  # on a busy machine a check may be late
            splitter._ask(f"disable health penguins/{name}; set server penguins/{name} health up")
        assert ask(front, 3) == [500, 500, 500]
        assert (blue.read(time.time()).requests, green.read(time.time()).requests) == (0, 0)  # the first reading
        began = time.time()
        assert ask(front, 5) == [500] * 5
        splitter.send("blue", "green", 100)
        assert ask(front, 5) == [502] * 5
        assert [(each.requests, each.failures) for each in (blue.read(began), green.read(began))] == [(5, 5), (5, 5)]
        with pytest.raises(Refusal, match="shows no statistics of penguins/purple"):
            HAProxyFront(splitter, "purple").read(began)
