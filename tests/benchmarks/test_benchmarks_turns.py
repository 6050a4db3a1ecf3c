import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.latency import read
from benchmarks.report.saved import Saved
from benchmarks.timed.turns import Turn, alternate, merge
from tests.support.commands import run_module


def test_contenders_take_turns() -> None:
    """Contenders take turns in each group; a bound on the rounds holds for all groups."""
    turns = alternate({"small": 3, "large": 1}, "ABC", most=2)
    assert "".join(turn.contender for turn in turns if turn.group == "small") == "ABCABC"
    assert turns[-3:] == [Turn("large", name, 0) for name in "ABC"]


def test_the_turns_of_a_contender_become_one_row() -> None:
    """Each time keeps the number of its round."""
    turns = [
        SimpleNamespace(fullname=name, stats=SimpleNamespace(data=[seconds]), extra_info={"rounds": [number]})
        for number, seconds in enumerate((1.0, 2.0))
        for name in "AB"
    ]
    merge(turns)
    assert [(row.fullname, row.stats.data, row.extra_info["rounds"]) for row in turns] == [
        ("A", [1.0, 2.0], [0, 1]),
        ("B", [1.0, 2.0], [0, 1]),
    ]


def test_pytest_benchmark_sees_rows(artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table and the JSON have one row for each contender, with all rounds; saved runs can be compared."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # it would switch pytest-benchmark off
    stored, saved = tmp_path / "request.json", tmp_path / "saved"
    command = ["pytest", "benchmarks/timed/bench_request.py", "--rounds=2", f"--artifacts={artifacts}"]
    storage = f"--benchmark-storage={saved}"
    first = run_module(*command, "-k", "code", f"--benchmark-json={stored}", "--benchmark-save=one", storage)
    assert first.returncode == 0, first.stdout + first.stderr
    rows = {row.name: row for row in read(stored, Saved, "").benchmarks}
    assert set(rows) == {"decode", "encode"}
    assert [len(row.stats.data) for row in rows.values()] == [2, 2]
    assert json.loads(stored.read_text())["benchmarks"][0]["stats"]["rounds"] == 2
    again = run_module(*command, "-k", "decode", "--benchmark-compare", storage)
    assert "decode (0001_one)" in again.stdout
