"""The Makefile's choice of a Python, in a copy of it beside empty locks, with stand-ins that only claim a version."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import ROOT

STAND_IN = """#!{python} -IS
import sys, pathlib, shutil
sys.version_info = {version}
match sys.argv[1:]:
    case ["-c", code]:
        exec(code)
    case ["-m", "venv", place]:
        pathlib.Path(place, "bin").mkdir(parents=True)
        shutil.copy(__file__, f"{{place}}/bin/python")
"""
MADE_ANEW = "it is made anew with"


class Checkout:
    """A directory with the Makefile, empty locks, and the stand-ins 3.9, 3.11 and 3.12; `python3` is 3.11."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.venv = directory / ".venv"
        (directory / "requirements").mkdir()
        (directory / "bin").mkdir()
        for lock in ("build", "dev", "bench"):
            (directory / "requirements" / f"{lock}.txt").touch()
        for name, version in (("python3", (3, 11)), ("python3.9", (3, 9)), ("python3.12", (3, 12, 4))):
            stand_in = directory / "bin" / name
            stand_in.write_text(STAND_IN.format(python=sys.executable, version=version))
            stand_in.chmod(0o755)
        shutil.copy(ROOT / "Makefile", directory)

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `make` without the variables of the make that may have started the tests."""
        inherited = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "PYTHON"}}
        path = f"{self.directory / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            ["make", *arguments],
            cwd=self.directory,
            env={**inherited, "PATH": path, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def version(self) -> str:
        """Return the version that .venv's python says it is."""
        command = [str(self.venv / "bin" / "python"), "-c", "print('%d.%d' % sys.version_info[:2])"]
        return subprocess.check_output(command, text=True, timeout=60).strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Make a checkout whose .venv was made by `make setup`, with python3."""
    if not shutil.which("make"):
        pytest.skip("needs make: apt install make")
    made = Checkout(tmp_path)
    assert made.make("setup").returncode == 0
    assert made.version == "3.11"
    return made


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [(["PYTHON=python3.12"], {}), ([], {"PYTHON": "python3.12"})],
    ids=["argument", "environment"],
)
def test_another_python_makes_the_venv_anew_once(
    checkout: Checkout, arguments: list[str], environment: dict[str, str]
) -> None:
    """Another PYTHON makes .venv anew once and says so."""
    given = checkout.make("setup", *arguments, **environment)
    assert given.returncode == 0, given.stderr
    assert [line for line in given.stdout.splitlines() if MADE_ANEW in line] == [
        ".venv has Python 3.11: it is made anew with python3.12"
    ]
    assert checkout.version == "3.12"
    for again in (("setup", "PYTHON=python3.12"), ("setup",), ("setup", "PYTHON=")):
        assert "Nothing to be done" in checkout.make(*again).stdout
    assert checkout.version == "3.12"


def test_a_dry_run_removes_nothing(checkout: Checkout) -> None:
    """`make -n` removes nothing."""
    assert MADE_ANEW in checkout.make("-n", "setup", "PYTHON=python3.12").stdout
    assert checkout.version == "3.11"


def test_the_same_version_keeps_the_venv(checkout: Checkout) -> None:
    """A PYTHON of the same version keeps .venv."""
    assert "Nothing to be done" in checkout.make("setup", "PYTHON=python3").stdout


@pytest.mark.parametrize(
    ("python", "found"),
    [("python3.99", "nothing that starts"), ("python3.9", "Python 3.9")],
)
@pytest.mark.parametrize("kept", [True, False], ids=["with a .venv", "without"])
def test_a_python_that_cannot_be_used_is_refused(checkout: Checkout, python: str, found: str, kept: bool) -> None:
    """An unusable PYTHON is refused with what to type, and .venv stays."""
    if not kept:
        shutil.rmtree(checkout.venv)
    refused = checkout.make("setup", f"PYTHON={python}")
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[0] == (
        f"error: expected Python 3.11 or newer as PYTHON={python}, found {found}; "
        "type: make PYTHON=/path/of/python3.12 setup"
    )
    assert checkout.venv.exists() == kept


def test_a_venv_that_does_not_start_is_made_anew(checkout: Checkout) -> None:
    """A .venv that does not start is made anew."""
    python = checkout.venv / "bin" / "python"
    python.unlink()
    python.symlink_to("/nonexistent/python3.10")
    made = checkout.make("setup")
    assert made.returncode == 0, made.stderr
    assert ".venv has no Python that starts: it is made anew with python3" in made.stdout.splitlines()
    assert checkout.version == "3.11"
    assert (checkout.venv / ".dev").exists()


def test_a_working_venv_needs_no_other_python(checkout: Checkout) -> None:
    """A working .venv stays, whatever `python3` is."""
    assert checkout.make("setup", "PYTHON=python3.12").returncode == 0
    shutil.copy(checkout.directory / "bin" / "python3.9", checkout.directory / "bin" / "python3")
    made = checkout.make(".venv/.build")
    assert made.returncode == 0, made.stderr
    assert checkout.version == "3.12"
