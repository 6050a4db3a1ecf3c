"""Several workers and their supervisor: replacement, back-off, and their common end."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from app.core.settings import read_settings
from app.process.workers import Supervisor, Worker
from tests.support.commands import EXAMPLE, ROOT
from tests.support.processes import STOPS_SECONDS, another_serves, workers_of
from tests.support.requests import PREDICT
from tests.support.service import LOCAL, OWN, PROMPT, QUIET, lines, serving
from tests.support.telemetry import free_port
from tests.support.wire import Wire


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_that_dies_or_hangs_is_replaced(bundle_path: Path, how: signal.Signals) -> None:
    """A dead worker is replaced, only its connections are lost, and the others are answered."""
    with serving(bundle_path, WORKERS="2") as service:
        connections = [Wire(service.port, seconds=60) for _ in range(12)]
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
    """Workers end when their supervisor is killed."""
    with serving(bundle_path, WORKERS="2") as service:
        assert service.predict(EXAMPLE).status == 200
        children = workers_of(service)
        service.process.kill()
        service.process.wait()
        until = time.monotonic() + 60
        while any(Path(f"/proc/{child}/exe").exists() and not zombie(child) for child in children):
            assert time.monotonic() < until
            time.sleep(0.05)


def zombie(process: int) -> bool:
    """Whether the process has ended and only its parent has not noticed."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_crash_loop_backs_off(bundle_path: Path, tmp_path: Path) -> None:
    """Workers that end at once are started ever more slowly."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys, threading\n"
        "if sys.argv[1:2] and sys.orig_argv[1:3] == ['-m', 'app.process.workers']:\n"
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
        assert process.wait(timeout=STOPS_SECONDS) == 0
        assert sum("ended (status 9)" in line for line in said) == 5  # at once, at once, then after 1, 2 and 4 seconds


def test_one_of_two_serves_while_the_other_ends(bundle_path: Path, tmp_path: Path) -> None:
    """While one worker ends as soon as it starts, the log says that the other serves, and it answers."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, pathlib, sys\n"
        "if sys.argv[1:2] and sys.orig_argv[1:3] == ['-m', 'app.process.workers']:\n"
        f"    try: pathlib.Path({str(tmp_path / 'first')!r}).touch(exist_ok=False)\n"
        "    except FileExistsError: os._exit(9)\n"
    )
    port = free_port()
    environment = {"BUNDLE": str(bundle_path), "HOST": "127.0.0.1", "PYTHONPATH": str(tmp_path), **OWN}
    with subprocess.Popen(
        [sys.executable, "-m", "app", "--workers", "2"],
        env={**os.environ, **environment, "PORT": str(port)},
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert any("1 of 2 serve, the next one starts in" in line for line in lines(process))
        assert answered(port)
        process.terminate()
        assert process.wait(timeout=STOPS_SECONDS) == 0


def answered(port: int) -> bool:
    """Whether one of many connections is answered. Those that came to the other worker's socket wait for it."""
    asked = b"GET /health/ready HTTP/1.1\r\nhost: x\r\n\r\n"
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(32)]
        for each in sockets:
            each.sendall(asked)
        readable, _, _ = select.select(sockets, [], [], STOPS_SECONDS)
        return any(each.recv(12) == b"HTTP/1.1 200" for each in readable)


def test_a_worker_that_was_being_started_is_told_to_stop(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal in the middle of a start stops the new worker too: it need not be killed."""
    before: dict[int, Any] = {}
    set_handler = signal.signal
    monkeypatch.setattr(
        signal, "signal", lambda number, handler: before.setdefault(number, set_handler(number, handler))
    )
    supervisor = Supervisor(read_settings({"BUNDLE": str(bundle_path), **LOCAL, **PROMPT, **QUIET, "WORKERS": "1"}))
    start = Worker.__init__
    workers: list[Worker] = []

    def interrupted(worker: Worker, *arguments: Any) -> None:
        start(worker, *arguments)
        workers.append(worker)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Worker, "__init__", interrupted)
    try:
        assert supervisor.run() == 0
    finally:
        for number, handler in before.items():
            set_handler(number, handler)
        for listener in supervisor.listeners:
            listener.close()
    (worker,) = workers
    worker.close()
    assert worker.process.returncode in (0, -signal.SIGTERM)
