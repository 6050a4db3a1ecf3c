"""Starting: imports, settings, standard streams, and errors."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bundle.signing.private import SigningKey
from tests.support.commands import EXAMPLE, ROOT
from tests.support.releases import Release
from tests.support.service import LOCAL, OWN, serving
from tests.support.telemetry import free_port
from tests.support.wire import Wire


def test_starts_without_the_build_s_packages(bundle_path: Path) -> None:
    """The service imports no package of the build, and nothing that it needs only later."""
    code = """if True:
        import sys
        from app.main import app
        forbidden = {"numpy", "xgboost", "treelite", "sklearn", "tl2cgen", "scipy", "pandas", "pyarrow", "pyspark"}
        forbidden |= {"markdown_it", "cards"}
        only_later = {"google.cloud", "requests", "cryptography"}
        print(sorted((forbidden | only_later) & set(sys.modules)), end="")
    """
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"BUNDLE": str(bundle_path), **OWN},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "[]", "")


def test_what_reads_signatures_is_imported_where_there_are_some(first: Release, signing_key: SigningKey) -> None:
    """A signed bundle imports cryptography, but not the client of the cloud."""
    code = (
        "import sys, app.main; app.main.app; print(sorted({'google.cloud', 'cryptography'} & set(sys.modules)), end='')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"BUNDLE": str(first.directory), "TRUSTED_KEYS": str(signing_key.public)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "['cryptography']", "")


def test_uvicorn_s_own_command_serves_it(bundle_path: Path) -> None:
    """`uvicorn app.main:app` serves the application."""
    with serving(bundle_path, ("uvicorn", "app.main:app", "--port", "0", "--host", "127.0.0.1")) as service:
        assert service.predict(EXAMPLE).document["prediction"] == 2


def test_settings_come_from_the_environment(bundle_path: Path) -> None:
    """A setting in the environment takes effect: a smaller limit on bodies."""
    with serving(bundle_path, MAX_BODY_BYTES="100", LOG_LEVEL="info") as service:
        assert service.predict(EXAMPLE).status == 200
        assert service.predict({**EXAMPLE, "sex": "f" * 100}).status == 413


@pytest.mark.parametrize("workers", ["1", "2"])
def test_closed_standard_streams_harm_nothing(bundle_path: Path, workers: str) -> None:
    """A service that starts with closed standard streams opens no file in their place."""
    port = free_port()
    own = {"BUNDLE": str(bundle_path), "PORT": f"{port}", "METRICS_PORT": "0", "WORKERS": workers}
    command = ["sh", "-c", 'exec "$0" -m app <&- >&- 2>&-', sys.executable]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **LOCAL, **OWN, **own}) as process:
        try:
            status = 0
            while status != 200:
                with contextlib.suppress(OSError), Wire(port) as wire:
                    wire.send(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
                    status = wire.response().status
                assert process.poll() is None
                time.sleep(0.05)
            opened = [Path(f"/proc/{process.pid}/fd/{descriptor}").readlink() for descriptor in range(3)]
        finally:
            process.terminate()
            assert process.wait(60) == 0
    assert opened == [Path(os.devnull)] * 3


def test_a_fault_of_ours_is_a_problem_document_without_a_traceback(bundle_path: Path, tmp_path: Path) -> None:
    """An exception is a problem document with 500, and the traceback goes to the log."""
    (tmp_path / "broken.py").write_text(
        "import uvicorn\n"
        "from app import main\n"
        "from app.answers import bundle_answers\n"
        "bundle_answers.predictor = lambda *_: lambda body: 1 // 0\n"
        "uvicorn.run(main.load_app(), port=0)\n"
    )
    with serving(bundle_path, ("broken",), PYTHONPATH=f"{tmp_path}") as service:
        reply = service.predict(EXAMPLE)
        assert reply.status == 500
        assert reply.headers["content-type"] == "application/problem+json"
        assert b"ZeroDivision" not in reply.body
        assert service.request("GET", "/health/live").status == 200
