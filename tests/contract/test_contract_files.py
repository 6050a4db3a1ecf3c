import os
from pathlib import Path

import pytest

from contract.files import write_atomically
from contract.refusal import Refusal


def test_writes_and_overwrites(tmp_path: Path) -> None:
    """A write replaces the old bytes and makes parent directories."""
    path = tmp_path / "a" / "b"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(path.parent) == ["b"]


@pytest.mark.parametrize("failing", [1, 2])
def test_a_failed_sync_leaves_the_old_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    """A failed fsync leaves one whole version and no leftovers."""
    path = tmp_path / "file"
    write_atomically(path, b"old")
    calls = 0
    real = os.fsync

    def fsync(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(Refusal, match="No space left on device"):
        write_atomically(path, b"new")
    assert path.read_bytes() in (b"old", b"new")
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_in_the_place_of_a_directory_is_refused(tmp_path: Path) -> None:
    """A path that cannot be written is named in the refusal."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Refusal, match="file/child"):
        write_atomically(tmp_path / "file" / "child", b"")
