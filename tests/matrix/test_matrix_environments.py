"""Which Python runs which XGBoost, and what the locks hold."""

import re
import sys
from pathlib import Path

import pytest
import xgboost

from tests.matrix.cells import VERSIONS
from tests.matrix.environments import (
    LOCKS,
    OF_OLD,
    ROOT,
    Environment,
    LeftOut,
    environment,
    find_python,
    locked_xgboost,
    shared_python,
)
from tests.matrix.selection import SMALL, TO_RECORD


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_locked_with_hashes(version: str) -> None:
    """Every version is locked with hashes in its own lines."""
    locked = locked_xgboost((LOCKS / "xgboost.txt").read_text(), version)
    assert locked.startswith(f"xgboost=={version} ")
    assert locked.count("xgboost==") == 1
    assert re.search(r"--hash=sha256:[0-9a-f]{64}$", locked.rstrip())


def test_the_script_that_locks_knows_every_version() -> None:
    """The script that locks knows every version."""
    line = next(line for line in (LOCKS / "lock").read_text().splitlines() if line.startswith("for version in"))
    assert tuple(re.findall(r"\d+\.[\d.]+", line)) == VERSIONS


def test_locks_hold_no_address() -> None:
    """No lock has a registry's address."""
    assert not [
        path.name for path in LOCKS.glob("*.txt") if re.search(r"https?:|index-url|find-links", path.read_text())
    ]


def test_every_package_is_pinned_and_hashed() -> None:
    """Every package is pinned and hashed."""
    for path in LOCKS.glob("python-*.txt"):
        entries = re.split(r"\n(?=\S)", path.read_text())
        assert all(re.match(r"[\w-]+==[\d.]+", entry) and "--hash=sha256:" in entry for entry in entries)


def test_the_versions_that_are_named_elsewhere_are_in_the_matrix() -> None:
    """Every version that is named elsewhere is in the matrix."""
    assert {*SMALL, *TO_RECORD} <= set(VERSIONS)


def test_this_python_is_found() -> None:
    """This Python is found."""
    found = find_python(f"{sys.version_info.major}.{sys.version_info.minor}")
    assert found is not None
    assert found.exists()


def test_a_python_that_is_not_there_is_not_found() -> None:
    """An absent Python is not found."""
    assert find_python("9.9") is None


def test_the_installed_xgboost_runs_where_it_is() -> None:
    """The installed XGBoost runs without another installation."""
    assert shared_python(xgboost.__version__) == Path(sys.executable)
    assert environment(xgboost.__version__) == Environment(Path(sys.executable), None)


def test_a_version_without_its_python_is_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version without its Python is left out with the reason."""
    monkeypatch.setattr("tests.matrix.environments.OF_OLD", (OF_OLD[0], ("9.9",)))
    with pytest.raises(LeftOut, match=r"Python 9\.9 is not on this machine"):
        shared_python("1.7.6")


def test_what_is_made_is_not_committed() -> None:
    """Git ignores the environments."""
    assert ".venv-matrix/" in (ROOT / ".gitignore").read_text().splitlines()
