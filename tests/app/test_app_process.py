"""The process: how it starts, what it imports, how it leaves."""

import subprocess
import sys
from pathlib import Path

from bundle.keys import SigningKey
from tests.app.releases import Release
from tests.commands import EXAMPLE, ROOT
from tests.service import OWN, serving


def test_starts_without_the_build_s_packages(bundle_path: Path) -> None:
    """The service imports no numpy, xgboost, treelite, scikit-learn or tl2cgen, nor what it needs only later."""
    code = """if True:
        import sys
        from app.main import app
        forbidden = {"numpy", "xgboost", "treelite", "sklearn", "tl2cgen", "scipy", "pandas"}
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
    """The client of the cloud is not: this store is none of its."""
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
    """`uvicorn app.main:app`, for people who expect that."""
    with serving(bundle_path, ("uvicorn", "app.main:app", "--port", "0", "--host", "127.0.0.1")) as service:
        assert service.predict(EXAMPLE).document["prediction"] == 2


def test_settings_come_from_the_environment(bundle_path: Path) -> None:
    """A smaller limit on bodies is kept."""
    with serving(bundle_path, MAX_BODY_BYTES="100", LOG_LEVEL="info") as service:
        assert service.predict(EXAMPLE).status == 200
        assert service.predict({**EXAMPLE, "sex": "f" * 100}).status == 413


def test_a_fault_of_ours_is_a_problem_document_without_a_traceback(bundle_path: Path, tmp_path: Path) -> None:
    """500; the traceback goes to the log."""
    (tmp_path / "broken.py").write_text(
        "import uvicorn\n"
        "from app import main\n"
        "main.predictor = lambda serving: lambda body: 1 // 0\n"
        "uvicorn.run(main.load_app(), port=0)\n"
    )
    with serving(bundle_path, ("broken",), PYTHONPATH=f"{tmp_path}") as service:
        reply = service.predict(EXAMPLE)
        assert reply.status == 500
        assert reply.headers["content-type"] == "application/problem+json"
        assert b"ZeroDivision" not in reply.body
        assert service.request("GET", "/health/live").status == 200
