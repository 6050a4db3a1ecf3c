"""A start with a mistake: one line and status 2, or a service that is live and not ready."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.commands import ROOT
from tests.support.processes import STOPS_SECONDS, WORKERS
from tests.support.service import serving


@WORKERS
def test_a_port_that_is_taken_is_one_line_and_status_2(bundle_path: Path, workers: str) -> None:
    """A taken port ends the start with one line that says what to set."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(AssertionError, match="set another PORT"), serving(bundle_path, WORKERS=workers, PORT=port):
            pass


@WORKERS
def test_a_setting_that_cannot_be_meant_ends_it_with_status_2(tmp_path: Path, workers: str) -> None:
    """A faulty setting ends the start with status 2 and without a traceback."""
    environment = {**os.environ, "BUNDLE": str(tmp_path), "PORT": "0", "HOST": "127.0.0.1", "WORKERS": workers}
    command = [sys.executable, "-m", "app"]
    ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "expected TRUSTED_KEYS" in ended.stderr
    assert "Traceback" not in ended.stderr


@WORKERS
def test_a_bundle_that_cannot_be_loaded_leaves_it_live_and_not_ready(tmp_path: Path, workers: str) -> None:
    """A directory that is no bundle leaves the service live and not ready, without Retry-After."""
    with serving(tmp_path, WORKERS=workers) as service:
        assert service.request("GET", "/health/live").status == 200
        reply = service.request("GET", "/health/ready")
        assert (reply.status, reply.headers.get("retry-after")) == (503, None)
        assert f"cannot read {tmp_path}" in reply.document["detail"]
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=STOPS_SECONDS) == 0
