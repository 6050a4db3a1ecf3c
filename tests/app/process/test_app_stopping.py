"""Stopping by a signal, in real processes, with one worker and with two."""

import contextlib
import signal
import threading
from pathlib import Path

import pytest

from tests.support.commands import EXAMPLE
from tests.support.processes import STOPS_SECONDS, WORKERS
from tests.support.requests import PREDICT
from tests.support.service import lines, serving
from tests.support.telemetry import eventually
from tests.support.wire import Wire


class Client(threading.Thread):
    """A client that asks one prediction after the other until its connection is refused."""

    def __init__(self, port: int, keep: bool) -> None:
        super().__init__()
        self.port = port
        self.keep = keep
        self.answered = 0
        self.lost: list[str] = []

    def run(self) -> None:
        listens = True
        while listens:
            listens = self.converse()

    def converse(self) -> bool:
        """Use one connection. Return whether there could be one."""
        try:
            wire = Wire(self.port)
        except ConnectionRefusedError:  # it stopped listening: not accepted, so not lost
            return False
        with wire:
            closes = False
            while not closes:
                wire.send(PREDICT if self.keep else PREDICT.replace(b"Host: x", b"Host: x\r\nConnection: close"))
                answer = wire.response_or_end()
                if answer is None or answer.status != 200:
                    self.lost.append(f"after {self.answered}: {answer}, reset {wire.reset}")
                    return True
                self.answered += 1
                closes = answer.closes
            if rest := wire.read_all():
                self.lost.append(f"answered twice: {rest!r}")
        return True


@WORKERS
def test_no_accepted_request_is_lost_at_sigterm(bundle_path: Path, workers: str) -> None:
    """Clients get whole answers or a refused connection while the service stops."""
    with serving(bundle_path, WORKERS=workers, NOT_READY_SECONDS="0.5") as service:
        clients = [Client(service.port, keep=number % 2 == 0) for number in range(6)]
        for client in clients:
            client.start()
        eventually(lambda: all(client.answered for client in clients))
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=STOPS_SECONDS) == 0
        for client in clients:
            client.join(60)
        assert [client.lost for client in clients if client.lost] == []


@WORKERS
def test_not_ready_comes_first(bundle_path: Path, workers: str) -> None:
    """After SIGTERM health/ready is 503 for a while, in which predictions are answered."""
    with serving(bundle_path, WORKERS=workers, NOT_READY_SECONDS="1") as service:
        assert service.request("GET", "/health/ready").status == 200
        service.process.send_signal(signal.SIGTERM)
        while (reply := service.request("GET", "/health/ready")).status == 200:
            pass
        assert reply.status == 503
        assert "stopping" in reply.document["detail"]
        assert reply.headers["connection"] == "close"
        assert service.request("GET", "/v2/health/ready").status == 503
        assert service.request("GET", "/health/live").status == 200
        assert service.predict(EXAMPLE).status == 200
        assert service.process.wait(timeout=STOPS_SECONDS) == 0


@pytest.mark.long
@WORKERS
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_leaves_within_eight_seconds_whatever_clients_do(bundle_path: Path, workers: str, stop: signal.Signals) -> None:
    """The service stops in time although clients are idle, half done, or do not read."""
    with serving(
        bundle_path, WORKERS=workers, LOG_LEVEL="info", NOT_READY_SECONDS="3", SHUTDOWN_SECONDS="4"
    ) as service:
        clients = [Wire(service.port) for _ in range(4)]
        clients[1].send(PREDICT[:20])
        clients[2].send(PREDICT[:-5].replace(b"/predict", b"/v2/models/penguin/infer"))
        send_until_nobody_takes_more(clients[3])
        assert service.predict(EXAMPLE).status == 200
        service.process.send_signal(stop)
        assert service.process.wait(timeout=STOPS_SECONDS) == 0
        for client in clients:
            client.socket.close()


def send_until_nobody_takes_more(wire: Wire) -> None:
    """Send requests and read nothing until nobody takes more."""
    wire.socket.settimeout(0.2)
    with contextlib.suppress(OSError):
        while True:
            wire.socket.send(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 60)


@WORKERS
def test_a_second_signal_ends_it_at_once(bundle_path: Path, workers: str) -> None:
    """A second signal ends the service at once, although it waits for a client."""
    with (
        serving(bundle_path, WORKERS=workers, LOG_LEVEL="info", NOT_READY_SECONDS="3", SHUTDOWN_SECONDS="4") as service,
        Wire(service.port) as half,
    ):
        half.send(PREDICT[:-5])
        service.process.send_signal(signal.SIGTERM)
        while service.request("GET", "/health/ready").status == 200:
            pass
        service.process.send_signal(signal.SIGTERM)
        said = "".join(lines(service.process))
        assert service.process.wait(timeout=STOPS_SECONDS) == 0
        assert "Finished server process" not in said, "it has waited for the client"
        assert half.read_all() == b""
