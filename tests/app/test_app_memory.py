"""What batches may take: claims never exceed it, and it is found where a container's limit is written."""

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import memory
from app.memory import KEPT_BYTES, LEAST_BYTES, Claim, Memory, batch_memory, memory_limit

MIB = 1 << 20


@given(st.lists(st.integers(0, 100), max_size=30))
def test_claims_never_exceed_the_total(sizes: list[int]) -> None:
    """What is refused takes nothing; at the end all is back."""
    shared, held = Memory(150), 0
    with Claim(shared) as claim:
        for size in sizes:
            fits = held + size <= 150
            assert claim.grow(size) == fits
            held += size if fits else 0
            assert claim.size == held
    assert Claim(shared).grow(150)


def test_threads_lose_nothing() -> None:
    shared = Memory(10_000)

    def claim_often() -> None:
        for _ in range(3000):
            with Claim(shared) as claim:
                assert claim.grow(1000)

    threads = [threading.Thread(target=claim_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert Claim(shared).grow(10_000)


@pytest.mark.parametrize(
    ("membership", "files", "limits"),
    [
        ("0::/", {"memory.max": "536870912\n"}, [512 * MIB]),
        ("0::/", {"memory.max": "max\n"}, []),
        ("0::/a/b", {"a/b/memory.max": "max", "a/memory.max": "1000"}, [1000]),
        ("0::/../x", {"memory.max": "5"}, [5]),
        ("5:cpu:/\n4:memory:/docker/x", {"memory/memory.limit_in_bytes": "77", "cpu/memory.limit_in_bytes": "1"}, [77]),
        ("4:cpu,memory:/", {"cpu,memory/memory.limit_in_bytes": "9223372036854771712"}, [9223372036854771712]),
        ("0::/", {}, []),
    ],
)
def test_limits_are_found(tmp_path: Path, membership: str, files: dict[str, str], limits: list[int]) -> None:
    """Of every group above this process, by both versions; a container may see its own as the top."""
    (tmp_path / "self").write_text(membership + "\n")
    for name, text in files.items():
        (tmp_path / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cgroup" / name).write_text(text)
    assert list(memory._limits(tmp_path / "cgroup", tmp_path / "self")) == limits


def test_elsewhere_it_is_the_machine_s(tmp_path: Path) -> None:
    """Where there are no control groups."""
    assert list(memory._limits(tmp_path, tmp_path / "none")) == []
    assert memory_limit() > 0


@pytest.mark.parametrize(
    ("limit_mib", "workers", "expected_mib"), [(512, 1, 336), (512, 2, 144), (128, 1, 48), (64, 1, 4), (40, 2, 4)]
)
def test_a_part_is_kept(monkeypatch: pytest.MonkeyPatch, limit_mib: int, workers: int, expected_mib: int) -> None:
    """For everything but batches; a worker has its own."""
    monkeypatch.setattr(memory, "memory_limit", lambda: limit_mib * MIB)
    assert batch_memory(0, workers) == expected_mib * MIB
    assert batch_memory(7, workers) == 7
    assert KEPT_BYTES > LEAST_BYTES
