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
from tests.support.wire import RESET

BODY = b"{}"


@contextmanager
def saying(answer: bytes, reset: bool = False) -> Iterator[int]:
    """Run a server that is ready, and says these bytes to every POST, then closes or resets. Yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    request = connection.recv(9999)
                    if b"GET /health" in request:
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                        continue
                    # A close resets, too, where something is unread: the body may come after the head.
                    while not request.endswith(BODY):
                        request += connection.recv(9999)
                    connection.sendall(answer)
                    if reset:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def ask(port: int, times: int) -> list[int]:
    """Return the statuses that users got; 0 is a connection that ended without one."""
    found = []
    for _ in range(times):
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            connection.request("POST", "/predict", BODY)
            try:
                found.append(connection.getresponse().status)
            except ConnectionResetError:
                found.append(0)
    return found


def port(number: int) -> Any:
    """Return what stands for a service: it has a port."""
    return SimpleNamespace(port=number)


@contextmanager
def fronts(directory: Path, blue: int, green: int) -> Iterator[tuple[int, HAProxy, HAProxyFront, HAProxyFront]]:
    """Run HAProxy before two ports; all requests go to blue. Yields its port and what reads its figures."""
    front = free_port()
    with haproxy(directory, front, port(blue), port(green)):
        splitter = HAProxy(directory / "admin.sock", "penguins")
        for name in ("blue", "green"):  # on a busy machine a check may be late
            splitter._ask(f"disable health penguins/{name}; set server penguins/{name} health up")
        yield front, splitter, HAProxyFront(splitter, "blue"), HAProxyFront(splitter, "green")


def test_haproxy_counts_what_users_got(tmp_path: Path) -> None:
    """A server's 5xx, and answers that broke off, are failures; those before the moment do not count."""
    needed("haproxy", "haproxy")
    with (
        saying(b"HTTP/1.1 500 Failed\r\nContent-Length: 0\r\n\r\n") as failing,
        saying(b"HTTP/1.1 200") as broken,
        fronts(tmp_path, failing, broken) as (front, splitter, blue, green),
    ):
        assert ask(front, 3) == [500, 500, 500]
        assert (blue.read(time.time()).requests, green.read(time.time()).requests) == (0, 0)  # the first reading
        began = time.time()
        assert ask(front, 5) == [500] * 5
        splitter.send("blue", "green", 100)
        assert ask(front, 5) == [502] * 5
        assert [(each.requests, each.failures) for each in (blue.read(began), green.read(began))] == [(5, 5), (5, 5)]
        with pytest.raises(Refusal, match="shows no statistics of penguins/purple"):
            HAProxyFront(splitter, "purple").read(began)


def test_haproxy_counts_each_reset(tmp_path: Path) -> None:
    """A server that resets its connections fails in each attempt: no fewer failures than users saw, all of them."""
    needed("haproxy", "haproxy")
    with (
        saying(b"HTTP/1.1 200", reset=True) as resetting,
        fronts(tmp_path, resetting, resetting) as (front, _, blue, _),
    ):
        blue.read(time.time())
        began = time.time()
        assert set(ask(front, 5)) <= {0, 502}
        figures = blue.read(began)
        assert figures.requests == figures.failures >= 5
