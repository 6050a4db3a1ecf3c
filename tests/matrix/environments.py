"""A Python with each XGBoost, made from hashed locks under .venv-matrix/: what they share once, and each alone."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import xgboost

from contract.refusal import Refusal
from tests.matrix.cells import version_of

ROOT = Path(__file__).parent.parent.parent
PLACE = ROOT / ".venv-matrix"
LOCKS = ROOT / "requirements" / "matrix"
STAMP = "locked.txt"  # what was installed, as the lock says it
OF_OLD, OF_NEW = ("3.11", ("3.11",)), ("3.12", ("3.12", "3.13"))  # the lock, and the Pythons that it fits
NEW = (3, 3)  # the first XGBoost that Python 3.11 has not
PIP = (
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--no-deps",
    "--no-compile",
    "--only-binary",
    ":all:",
)
NO_WHEEL = "No matching distribution"


class LeftOut(Exception):
    """This machine cannot have this XGBoost; says why."""


class Environment(NamedTuple):
    """The Python that runs one XGBoost, and where that lies, if it is not the Python's own."""

    python: Path
    packages: Path | None

    def run(self, module: str, arguments: list[str], said: str) -> None:
        """Run a module of this repository with `said` on its stdin. Raises Refusal where it fails."""
        variables = {**os.environ, "PYTHONPATH": str(self.packages or ""), "OMP_NUM_THREADS": "1"}
        command = [str(self.python), "-W", "ignore", "-m", module, *arguments]
        done = subprocess.run(command, input=said, text=True, capture_output=True, cwd=ROOT, env=variables, check=False)
        if done.returncode:
            raise Refusal(f"{' '.join(command)} ended with status {done.returncode}: {done.stderr[-2000:]}")


def environment(version: str) -> Environment:
    """Return the Python of a version, made where it is not there. Raises LeftOut, and Refusal where pip fails."""
    if version == xgboost.__version__:
        return Environment(Path(sys.executable), None)
    python = shared_python(version)
    packages = PLACE / f"xgboost-{version}"
    locked = locked_xgboost((LOCKS / "xgboost.txt").read_text(encoding="ascii"), version)
    if not _is_made(packages, locked):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as lock:
            lock.write(locked)
            lock.flush()
            _make(packages, locked, [python, *PIP, "--target", packages, "--require-hashes", "-r", lock.name])
    return Environment(python, packages)


def shared_python(version: str) -> Path:
    """Return a Python with the packages that this XGBoost shares with others. Raises LeftOut and Refusal."""
    if version == xgboost.__version__:
        return Path(sys.executable)
    lock, fitting = OF_NEW if version_of(version) >= NEW else OF_OLD
    base = next(filter(None, map(find_python, fitting)), None)
    if base is None:
        raise LeftOut(f"Python {' or '.join(fitting)} is not on this machine")
    place, file = PLACE / f"python-{lock}", LOCKS / f"python-{lock}.txt"
    python = place / "bin" / "python"
    locked = file.read_text(encoding="ascii")
    if not _is_made(place, locked) or _said([str(python), "-c", "print(1)"]) != "1":
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([base, "-m", "venv", place], check=True)
        _make(place, locked, [python, *PIP, "--require-hashes", "-r", file])
    return python


def find_python(version: str) -> Path | None:
    """Return a Python of this version that can make virtual environments, or None."""
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for candidate in (sys.executable, shutil.which(f"python{version}"), *pyenv):
        ask = "import ensurepip, sys; print(*sys.version_info[:2], sep='.')"
        if candidate and _said([str(candidate), "-c", ask]) == version:
            return Path(candidate)
    return None


def _said(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def locked_xgboost(lock: str, version: str) -> str:
    """Return what the lock of all versions says of one."""
    stanzas = (stanza for stanza in lock.split("xgboost==") if stanza.split(" ", 1)[0] == version)
    return f"xgboost=={next(stanzas)}"


def _is_made(place: Path, locked: str) -> bool:
    stamp = place / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == locked


def _make(place: Path, locked: str, command: list[str | Path]) -> None:
    """Install, and say so only then: what was interrupted is made again."""
    (place / STAMP).unlink(missing_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if NO_WHEEL in done.stderr:
        raise LeftOut("it has no wheel for this machine")
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [done.stderr[-500:]]
        raise Refusal(f"pip could not install {place.name}: {lines[-1]}; type make model-matrix again")
    (place / STAMP).write_text(locked, encoding="utf-8")
