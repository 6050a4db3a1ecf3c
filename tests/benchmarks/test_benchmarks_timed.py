import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from benchmarks.timed.bench_request import PARTS
from benchmarks.timed.model_page import write_model
from benchmarks.timed.request_page import write_request
from benchmarks.timed.saved import About, Row, Stats, read_saved
from benchmarks.timed.turns import Turn, alternate, merge
from contract.refusal import Refusal
from tests.support.commands import run_module


def row(model: str, rows: int, name: str, *seconds: float) -> Row:
    return Row(name, Stats(seconds), About(model, rows, name.upper(), "a model", 3))


def test_contenders_take_turns() -> None:
    """Contenders take turns in each group; a bound on the rounds holds for all groups."""
    turns = alternate({"small": 3, "large": 1}, "ABC", most=2)
    assert "".join(turn.contender for turn in turns if turn.group == "small") == "ABCABC"
    assert turns[-3:] == [Turn("large", name, 0) for name in "ABC"]


def test_the_turns_of_a_contender_become_one_row() -> None:
    """The times are in the order of the rounds."""
    turns = [
        SimpleNamespace(fullname=name, stats=SimpleNamespace(data=[seconds])) for seconds in (1.0, 2.0) for name in "AB"
    ]
    merge(turns)
    assert [(row.fullname, row.stats.data) for row in turns] == [("A", [1.0, 2.0]), ("B", [1.0, 2.0])]


def test_a_ratio_is_taken_within_a_round() -> None:
    """A machine that is slow for some rounds is slow for both contenders."""
    ours, theirs = row("penguin", 2, "ours", 1e-6, 9e-6, 5e-6), row("penguin", 2, "theirs", 4e-6, 36e-6, 1e-6)
    assert theirs.ratio(ours) == 4
    assert ours.us == 2.5


def test_pytest_benchmark_writes_rows(artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table and the JSON have one row for each part, with all rounds; saved runs can be compared."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # it would switch pytest-benchmark off
    stored, storage = tmp_path / "request.json", f"--benchmark-storage={tmp_path / 'saved'}"
    command = ["pytest", "benchmarks/timed/bench_request.py", "--rounds=2", f"--artifacts={artifacts}", storage]
    first = run_module(*command, f"--benchmark-json={stored}", "--benchmark-save=one")
    assert first.returncode == 0, first.stdout + first.stderr
    assert [found["stats"]["rounds"] for found in json.loads(stored.read_text())["benchmarks"]] == [2] * len(PARTS)
    write_request(read_saved("request", "", tmp_path), tmp_path)
    lines = (tmp_path / "request.md").read_text(encoding="utf-8").splitlines()
    cells = dict(line.strip("| ").split(" | ") for line in lines if line.startswith("| "))
    assert 0 < float(cells["decode"]) < float(cells["the whole handler"])
    assert float(cells["the whole handler"]) < float(cells["a request, each with a new head"])
    again = run_module(*command, "-k", "decode", "--benchmark-compare")
    assert "decode (0001_one)" in again.stdout


def test_a_contender_is_timed(artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row says which model and contender it is about, and how many rows a call had."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    command = ["pytest", "benchmarks/timed/bench_model.py", "--rounds=1", f"--artifacts={artifacts}"]
    chosen = "penguin-16-ours or penguin-16-inplace"
    ran = run_module(*command, "-k", chosen, f"--benchmark-json={tmp_path / 'model.json'}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = {row.name: row for row in read_saved("model", "", tmp_path)}
    assert {row.extra_info.rows for row in found.values()} == {16}
    assert found["inplace_predict"].extra_info.contender == "Booster.inplace_predict"
    assert 0 < found["ours"].us < found["inplace_predict"].us


def test_the_page_has_what_was_measured(tmp_path: Path) -> None:
    """Microseconds for one row of input, how many times faster ours is, and the contender that is closest to ours."""
    rows = [row("penguin", 16, "ours", 16e-6), row("penguin", 16, "xgb_classifier", 64e-6)]
    write_model([*rows, row("100x6", 1, "ours", 1e-6), row("100x6", 1, "inplace_predict", 5e-6)], tmp_path)
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "| the closest of all: penguin, 16 rows | XGB_CLASSIFIER | 1.00 | 4.00 | **4.0x** |" in page
    assert "| INPLACE_PREDICT | 5.00 (5.0x) |" in page
    assert all(part in page for part in ("## penguin", "## 100x6", "16 rows", "make bench"))


def test_wrong_answers_are_shown_as_wrong(tmp_path: Path) -> None:
    """A contender whose answers are wrong is not compared by its speed; states of rows have a table of their own."""
    ours, theirs = row("500x6", 1, "ours", 2e-6), row("500x6", 1, "theirs", 8e-6)
    wrong = Row("timber", Stats((1e-9,)), About("500x6", 1, "TIMBER", "a model", 3, wrong="off by 0.04"))
    cold = [Row(each.name, Stats((4e-6,)), replace(each.extra_info, state="cold caches")) for each in (ours, theirs)]
    write_model([ours, theirs, wrong, *cold], tmp_path)
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "| TIMBER | wrong: off by 0.04 |" in page
    assert "the closest of all: 500x6, 1 row | THEIRS |" in page
    assert "| THEIRS | 8.00 (4.0x) | 4.00 (1.0x) |" in page


def test_results_that_are_not_there_are_refused(tmp_path: Path) -> None:
    """The refusal names the command that makes results; results of another kind are refused, too."""
    for _ in range(2):
        with pytest.raises(Refusal, match="measure first: make bench"):
            read_saved("model", "make bench", tmp_path)
        (tmp_path / "model.json").write_text("{}")
