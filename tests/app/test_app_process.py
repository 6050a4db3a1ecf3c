"""The process: how it starts, what it imports, how it leaves."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import EXAMPLE, ROOT
from tests.service import serving


def test_starts_without_the_build_s_packages(bundle_path: Path) -> None:
    """The service imports no numpy, xgboost, treelite, scikit-learn or tl2cgen, nor what it needs only later."""
    code = """if True:
        import sys
        from app.main import app
        forbidden = {"numpy", "xgboost", "treelite", "sklearn", "tl2cgen", "scipy", "pandas", "google.cloud"}
        print(sorted(forbidden & set(sys.modules)), end="")
    """
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"BUNDLE": str(bundle_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "[]", "")


def test_uvicorn_s_own_command_serves_it(bundle_path: Path) -> None:
    """`uvicorn app.main:app`, for people who expect that."""
    with serving(bundle_path, ("uvicorn", "app.main:app", "--port", "0", "--host", "127.0.0.1")) as service:
        assert service.predict(EXAMPLE).document["prediction"] == 2


def test_settings_come_from_the_environment(bundle_path: Path) -> None:
    """A smaller limit on bodies is kept."""
    with serving(bundle_path, MAX_BODY_BYTES="100", LOG_LEVEL="info") as service:
        assert service.predict(EXAMPLE).status == 200
        assert service.predict({**EXAMPLE, "sex": "f" * 100}).status == 413


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_leaves_with_status_0_whatever_clients_do(bundle_path: Path, stop: signal.Signals) -> None:
    """An idle connection and half a body do not hold it for more than two seconds."""
    with serving(bundle_path) as service:
        idle = socket.create_connection(("127.0.0.1", service.port))
        half = socket.create_connection(("127.0.0.1", service.port))
        half.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        assert service.predict(EXAMPLE).status == 200
        service.process.send_signal(stop)
        assert service.process.wait(timeout=2) == 0
        idle.close()
        half.close()


def test_a_fault_of_ours_is_a_problem_document_without_a_traceback(bundle_path: Path, tmp_path: Path) -> None:
    """500; the traceback goes to the log."""
    (tmp_path / "broken.py").write_text(
        "import uvicorn\n"
        "from app import main\n"
        "main.predictor = lambda library: lambda body: 1 // 0\n"
        "uvicorn.run(main.load_app(), port=0)\n"
    )
    with serving(bundle_path, ("broken",), PYTHONPATH=f"{tmp_path}") as service:
        reply = service.predict(EXAMPLE)
        assert reply.status == 500
        assert reply.headers["content-type"] == "application/problem+json"
        assert b"ZeroDivision" not in reply.body
        assert service.request("GET", "/health/live").status == 200
