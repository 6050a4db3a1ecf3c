"""How the service leaves: signals, with real processes, with one worker and with two."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.app.test_app_bounds import PREDICT
from tests.commands import EXAMPLE, ROOT
from tests.service import OWN, Service, lines, serving
from tests.wire import Wire

WORKERS = pytest.mark.parametrize("workers", ["1", "2"])


class Client(threading.Thread):
    """Asks one prediction after the other, on connections that it keeps where it may, until it is refused one."""

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
        """One connection. Returns whether there could be one."""
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
    """Clients under way get whole answers, one each, or a refused connection."""
    with serving(bundle_path, WORKERS=workers, NOT_READY_SECONDS="0.5") as service:
        clients = [Client(service.port, keep=number % 2 == 0) for number in range(6)]
        for client in clients:
            client.start()
        time.sleep(0.5)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=8) == 0
        for client in clients:
            client.join(10)
        assert all(client.answered for client in clients)
        assert [client.lost for client in clients if client.lost] == []


@WORKERS
def test_not_ready_comes_first(bundle_path: Path, workers: str) -> None:
    """After SIGTERM /health/ready says 503 for a while, in which predictions are answered and connections accepted."""
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
        assert service.process.wait(timeout=8) == 0


@WORKERS
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_leaves_within_eight_seconds_whatever_clients_do(bundle_path: Path, workers: str, stop: signal.Signals) -> None:
    """With the longest waits that can be set: an idle client, half a head, half a body, answers that nobody reads."""
    with serving(bundle_path, WORKERS=workers, NOT_READY_SECONDS="3", SHUTDOWN_SECONDS="4") as service:
        clients = [Wire(service.port) for _ in range(4)]
        clients[1].send(PREDICT[:20])
        clients[2].send(PREDICT[:-5].replace(b"/predict", b"/v2/models/penguin/infer"))
        send_until_nobody_takes_more(clients[3])
        assert service.predict(EXAMPLE).status == 200
        service.process.send_signal(stop)
        assert service.process.wait(timeout=8) == 0
        for client in clients:
            client.socket.close()


def send_until_nobody_takes_more(wire: Wire) -> None:
    """And read nothing."""
    wire.socket.settimeout(0.2)
    with contextlib.suppress(OSError):
        while True:
            wire.socket.send(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 60)


@WORKERS
def test_a_second_signal_ends_it_at_once(bundle_path: Path, workers: str) -> None:
    """Also while it waits for a client."""
    with (
        serving(bundle_path, WORKERS=workers, NOT_READY_SECONDS="3", SHUTDOWN_SECONDS="4") as service,
        Wire(service.port) as half,
    ):
        half.send(PREDICT[:-5])
        service.process.send_signal(signal.SIGTERM)
        while service.request("GET", "/health/ready").status == 200:
            pass
        service.process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        assert service.process.wait(timeout=8) == 0
        assert time.monotonic() - begun < 2  # of the 7 that it would have taken
        assert half.read_all() == b""


def workers_of(service: Service) -> list[int]:
    """The process numbers of its workers, once all have started."""
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text()
    return [int(child) for child in children.split()]


def another_serves(service: Service) -> None:
    """Return when one more worker serves."""
    for line in lines(service.process):
        if "serves" in line:
            return
    raise AssertionError("it ended")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_that_dies_or_hangs_is_replaced(bundle_path: Path, how: signal.Signals) -> None:
    """Only its own connections are lost; the others' requests are answered all the while."""
    with serving(bundle_path, WORKERS="2") as service:
        connections = [Wire(service.port, seconds=10) for _ in range(12)]
        for wire in connections:
            wire.send(PREDICT)
            assert wire.response().status == 200
        victim = workers_of(service)[0]
        os.kill(victim, how)
        another_serves(service)
        lost = 0
        for wire in connections:
            wire.send(PREDICT)
            answer = wire.response_or_end()
            assert answer is None or answer.status == 200
            lost += answer is None
            wire.socket.close()
        assert lost < len(connections)
        assert [service.predict(EXAMPLE).status for _ in range(20)] == [200] * 20
        assert victim not in workers_of(service)


def test_workers_end_with_their_supervisor(bundle_path: Path) -> None:
    """Even where it is killed."""
    with serving(bundle_path, WORKERS="2") as service:
        assert service.predict(EXAMPLE).status == 200
        children = workers_of(service)
        service.process.kill()
        service.process.wait()
        until = time.monotonic() + 10
        while any(Path(f"/proc/{child}/exe").exists() and not zombie(child) for child in children):
            assert time.monotonic() < until
            time.sleep(0.05)


def zombie(process: int) -> bool:
    """Whether it has ended and only its parent has not noticed."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@WORKERS
def test_a_port_that_is_taken_is_one_line_and_status_2(bundle_path: Path, workers: str) -> None:
    """With what to set."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(AssertionError, match="set another PORT"), serving(bundle_path, WORKERS=workers, PORT=port):
            pass


@WORKERS
def test_a_setting_that_cannot_be_meant_ends_it_with_status_2(tmp_path: Path, workers: str) -> None:
    """Whoever finds out, and without a traceback."""
    environment = {**os.environ, "BUNDLE": str(tmp_path), "PORT": "0", "HOST": "127.0.0.1", "WORKERS": workers}
    command = [sys.executable, "-m", "app"]
    ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 2
    assert "expected TRUSTED_KEYS" in ended.stderr
    assert "Traceback" not in ended.stderr


@WORKERS
def test_a_bundle_that_cannot_be_loaded_leaves_it_live_and_not_ready(tmp_path: Path, workers: str) -> None:
    """Nothing retries a directory, so no time to come again is named."""
    with serving(tmp_path, WORKERS=workers) as service:
        assert service.request("GET", "/health/live").status == 200
        reply = service.request("GET", "/health/ready")
        assert (reply.status, reply.headers.get("retry-after")) == (503, None)
        assert f"cannot read {tmp_path}" in reply.document["detail"]
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=8) == 0


def test_a_crash_loop_backs_off(bundle_path: Path, tmp_path: Path) -> None:
    """Workers that die as soon as they serve are started ever more slowly, and health is still to be had."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys, threading\n"
        "if sys.argv[1:2] and sys.orig_argv[1:3] == ['-m', 'app.workers']:\n"
        "    os._exit(9)\n"
    )
    environment = {"BUNDLE": str(bundle_path), "PORT": "0", "HOST": "127.0.0.1", "PYTHONPATH": str(tmp_path), **OWN}
    with subprocess.Popen(
        [sys.executable, "-m", "app", "--workers", "2"],
        env={**os.environ, **environment},
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        said = []
        for line in lines(process):
            said.append(line)
            if "the next one starts in 4 s" in line:
                break
        process.terminate()
        assert process.wait(timeout=8) == 0
        assert sum("ended (status 9)" in line for line in said) == 5  # at once, at once, then after 1, 2 and 4 seconds
