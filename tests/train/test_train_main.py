"""`python -m train` as a person runs it: what it writes, prints and refuses, and what a failing disk leaves behind."""

import os
import subprocess
import sys
from collections.abc import Callable
from errno import ENOSPC
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import xgboost

import train.__main__ as stage
from contract.reading import read_contract
from contract.training import TrainingSummary
from train.contract import CONTRACT

FILES = (
    "training_rows.csv",
    "training_report.html",
    "training.json",
    "reference.json",
    "known_rows.json",
    "model_card.md",
    "data_card.md",
    "penguin_model.toml",
    "penguin_model.json",
)
ROOT = Path(stage.__file__).parents[1]
HANG_SECONDS = 250  # bounds a hang: three trainings at once take long on a busy machine


class Run(NamedTuple):
    """What a training wrote and printed."""

    folder: Path
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def runs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Run]:
    """Train in a process with each number of threads."""
    folders = {threads: tmp_path_factory.mktemp(f"threads{threads}") / "out" for threads in (1, 2, 4)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "train", "--data", data, "--out", folder, "--threads", str(threads)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": str(threads)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for threads, folder in folders.items()
    ]
    printed = [process.communicate(timeout=HANG_SECONDS) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], printed
    return {threads: Run(folder, *texts) for (threads, folder), texts in zip(folders.items(), printed, strict=True)}


@pytest.mark.long
def test_threads_do_not_change_a_byte(runs: dict[int, Run]) -> None:
    """One, two and four threads write the same nine files."""
    first, *others = ({path.name: path.read_bytes() for path in run.folder.iterdir()} for run in runs.values())
    assert set(first) == set(FILES)
    assert all(other == first for other in others)


@pytest.mark.long
def test_the_files_belong_together(runs: dict[int, Run], summary: TrainingSummary) -> None:
    """training.json describes the model beside it, and XGBoost loads that model."""
    written = msgspec.json.decode((runs[1].folder / "training.json").read_bytes(), type=TrainingSummary)
    model = (runs[1].folder / "penguin_model.json").read_bytes()
    assert written == summary
    assert written.model_sha256 == sha256(model).hexdigest()
    assert read_contract(runs[1].folder / "penguin_model.toml") == CONTRACT
    assert xgboost.Booster(model_file=bytearray(model)).num_boosted_rounds() == written.rounds


@pytest.mark.long
def test_says_what_it_did(runs: dict[int, Run]) -> None:
    """The command prints rows, quality and paths, the model last, and nothing on stderr."""
    folder, printed, errors = runs[1]
    assert "Read 344 birds, dropped 2" in printed
    assert "accuracy 0.99" in printed
    assert "log loss 0.01" in printed
    assert printed.split()[-9:] == [str(folder / name) for name in FILES]
    assert errors == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--threads", "-1"],
        ["--threads", "many"],
        ["--threads", "257"],
        ["--level", "0.5"],
        ["--level", "x"],
        ["--bogus"],
        ["extra"],
    ],
)
def test_bad_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Bad arguments print the usage and end with status 2."""
    with pytest.raises(SystemExit) as ended:
        stage.main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m train" in capsys.readouterr().err


def test_bad_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Missing data ends with status 2 and one line, and makes no folder."""
    assert stage.main(["--data", str(tmp_path / "absent.csv"), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, summary: TrainingSummary) -> None:
    """Replace training by one that takes no time: the writing is under test."""
    contents = {name: f"new {name}".encode() for name in FILES}
    monkeypatch.setattr(stage, "train", lambda *_: (summary, contents))


@pytest.mark.usefixtures("trained")
def test_unwritable_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that cannot be made ends with status 2 and its path."""
    (tmp_path / "file").touch()
    assert stage.main(["--out", str(tmp_path / "file" / "out")]) == 2
    assert f"error: cannot write {tmp_path}/file/out/training_rows.csv" in capsys.readouterr().err


def _failing(real: Callable[..., object], failing_call: int) -> Callable[..., object]:
    """Make an operation that fails at its Nth call."""
    calls = count(1)

    def call(*arguments: object, **options: object) -> object:
        if next(calls) == failing_call:
            raise OSError(ENOSPC, "No space left on device")
        return real(*arguments, **options)

    return call


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(("owner", "operation", "calls"), [(os, "fsync", 18), (Path, "replace", 9), (Path, "open", 9)])
def test_a_failing_disk(tmp_path: Path, owner: object, operation: str, calls: int) -> None:
    """A disk that fails at any operation ends with status 2 and leaves whole files."""
    for number in count(1):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "penguin_model.json").write_bytes(b"old")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, operation, _failing(getattr(owner, operation), number))
            status = stage.main(["--out", str(folder)])
        found = {path.name: path.read_bytes() for path in folder.iterdir()}
        model = found.pop("penguin_model.json")
        assert all(content == f"new {name}".encode() for name, content in found.items())
        assert model == b"old" or (model == b"new penguin_model.json" and set(found) == set(FILES[:-1]))
        if status == 0:
            break
        assert status == 2
    assert number == calls + 1
