"""Memory for batches: claims never exceed it, and a container's limit is found."""

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import memory
from app.core.memory import Claim, Memory, batch_memory, memory_limit

MIB = 1 << 20
MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")  # bytes


@given(st.lists(st.integers(0, 100), max_size=30))
def test_claims_never_exceed_the_total(sizes: list[int]) -> None:
    """Claims never exceed the total, a refused claim takes nothing, and at the end all is back."""
    shared, held = Memory(150), 0
    with Claim(shared) as claim:
        for size in sizes:
            fits = held + size <= 150
            assert claim.grow(size) == fits
            held += size if fits else 0
            assert claim.size == held
    assert Claim(shared).grow(150)


def test_threads_lose_nothing() -> None:
    """Claims in eight threads at once lose no byte."""
    shared = Memory(10_000)

    def claim_often() -> None:
        for _ in range(3000):
            with Claim(shared) as claim:
                assert claim.grow(1000)

    threads = [threading.Thread(target=claim_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
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
def test_limits_are_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, membership: str, files: dict[str, str], limits: list[int]
) -> None:
    """The limit is the least of every group above this process, in both versions of control groups."""
    (tmp_path / "self").write_text(membership + "\n")
    for name, text in files.items():
        (tmp_path / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cgroup" / name).write_text(text)
    monkeypatch.setattr(memory, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "MEMBERSHIP", tmp_path / "self")
    assert memory_limit() == min([MACHINE, *limits])


def test_elsewhere_it_is_the_machine_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The limit without control groups is the machine's memory."""
    monkeypatch.setattr(memory, "MEMBERSHIP", tmp_path / "none")
    assert memory_limit() == MACHINE


@pytest.mark.parametrize(
    ("limit_mib", "workers", "connections", "expected_mib"),
    [(512, 1, 1024, 256), (512, 1, 2048, 224), (512, 2, 1024, 64), (128, 1, 1024, 4), (40, 2, 1024, 4)],
)
def test_a_part_is_kept(
    monkeypatch: pytest.MonkeyPatch, limit_mib: int, workers: int, connections: int, expected_mib: int
) -> None:
    """A worker keeps memory for connections, their contents, small batches and the rest."""
    monkeypatch.setattr(memory, "memory_limit", lambda: limit_mib * MIB)
    assert batch_memory(0, workers, connections) == expected_mib * MIB
    assert batch_memory(7, workers, connections) == 7
