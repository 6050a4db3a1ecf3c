"""The log of decisions."""

import os
from pathlib import Path

import pytest

from contract.refusal import Refusal
from deploy.canary.audit import Audit, read_entries
from tests.support.commands import run_module


def test_a_torn_line_takes_nothing_along(tmp_path: Path) -> None:
    """A torn line loses no line before it or after it."""
    path = tmp_path / "log"
    audit = Audit(path, "here")
    audit.write("started", "a", "b", 0)
    audit.close()
    whole = path.read_bytes()
    for length in range(1, len(whole) - 1):
        path.write_bytes(whole + whole[:length])
        audit = Audit(path, "here")
        audit.write("held", "a", "b", 1, "why")
        last = audit.last("a", "b")
        audit.close()
        assert last is not None
        assert (last.event, last.share, last.why) == ("held", 1, "why")
        assert [entry.event for entry in read_entries(path)] == ["started", "held"]


def test_only_its_own_lines_count(tmp_path: Path) -> None:
    """A canary reads only the lines of its own splitter and revisions."""
    audit = Audit(tmp_path / "log", "here")
    audit.write("rolled back", "a", "b", 0)
    assert audit.last("a", "c") is None
    audit.close()
    other = Audit(tmp_path / "log", "there")
    assert other.last("a", "b") is None
    other.close()


def test_it_is_one_at_a_time(tmp_path: Path) -> None:
    """A second canary is refused and does not wait, and descriptors are closed."""
    audit = Audit(tmp_path / "log", "here")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(Refusal, match="another canary is running"):
        Audit(tmp_path / "log", "here")
    assert len(os.listdir("/proc/self/fd")) == before
    audit.close()
    Audit(tmp_path / "log", "here").close()


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A full disk ends the canary before it acts on the decision."""
    audit = Audit(tmp_path / "log", "here")

    def full(_: int, __: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(Refusal, match="No space left on device"):
            audit.write("shifting", "a", "b", 1)
    audit.close()


def test_odds_are_printed() -> None:
    """`make canary-odds` prints the odds."""
    ran = run_module("deploy", "odds", "--canaries", "5", "--classes=0.3", "--errors=0.2", "--slower=0.3")
    assert ran.returncode == 0, ran.stderr
    assert "5 canaries of each kind; false alarms in all: " in ran.stdout
