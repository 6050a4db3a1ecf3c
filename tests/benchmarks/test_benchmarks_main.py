import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.compiled import compiled, load_library
from benchmarks.models import Model, load_model
from benchmarks.plan import QUICK, Plan
from contract.refusal import Refusal
from tests.commands import ROOT, run_module


@pytest.mark.parametrize("option", ["--contenders", "--models", "--batches"])
def test_an_unknown_name_is_refused(option: str) -> None:
    """With status 2, and what there is."""
    result = run_module("benchmarks", option, "nonesuch")
    assert result.returncode == 2
    assert "nonesuch" in result.stderr
    assert "Traceback" not in result.stderr


def test_results_that_are_not_there_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the command that makes them."""
    assert main(["--render", str(tmp_path / "results.json"), "--out", str(tmp_path)]) == 2
    assert "python -m benchmarks" in capsys.readouterr().err


def test_a_penguin_model_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """With the command that makes it."""
    with pytest.raises(Refusal, match="make compile"):
        load_model("penguin", tmp_path)


def test_the_command_line_loads_no_library_of_numbers() -> None:
    """Such libraries read the number of threads when they are loaded: it is set before."""
    program = "import sys, benchmarks.__main__; sys.exit(bool({'numpy', 'xgboost'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_only_a_complete_run_is_published() -> None:
    """A quick one, or one of fewer models, goes elsewhere."""
    assert Plan().complete
    assert not Plan(effort=QUICK).complete
    assert not Plan(models=("penguin",)).complete


def test_a_bundle_is_made_again_only_where_something_changed(
    binary: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stamp says what it was made from."""
    commands = []

    def compile_nothing(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", compile_nothing)
    assert compiled(binary.path) == binary.cache / "bundle"
    assert commands == []
    copy = tmp_path / "copy"
    shutil.copytree(binary.cache, copy)
    (copy / "bundle.made-from").write_bytes(b"other source")
    compiled(copy / binary.path.name)
    compiled(copy / binary.path.name)
    assert len(commands) == 1


def test_a_damaged_library_is_not_loaded(binary: Model, tmp_path: Path) -> None:
    """Its bytes are compared with the manifest's digest first."""
    for path in (binary.cache / "bundle").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes() + (b"" if path.suffix == ".json" else b"!"))
    with pytest.raises(Refusal, match="not what the manifest describes"):
        load_library(tmp_path)
    with pytest.raises(Refusal, match="no library"):
        load_library(tmp_path / "nowhere")


def test_a_model_that_cannot_be_compiled_is_refused(tmp_path: Path) -> None:
    """With the compiler's own words."""
    path = tmp_path / "model.json"
    path.write_text("{}")
    with pytest.raises(Refusal, match="cannot compile"):
        compiled(path)
