import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from binding.library import Library
from compile import toolchain
from compile.certification.parity import certify
from compile.reading.booster import CompilableModel
from compile.toolchain import Unit, compile_units, find_compiler
from contract.manifest import Tuning
from contract.refusal import Refusal
from tests.support.libraries import RANKS, TL2CGEN, built

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="ELF libraries are Linux's")


@pytest.mark.long
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_either_compiler_makes_an_equal_library(
    model: CompilableModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiler: str
) -> None:
    """Each compiler's library equals XGBoost and does not depend on the directory."""
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler} here: apt install {compiler}")
    monkeypatch.setenv("CC", compiler)
    first, second = built(model, tmp_path / "a"), built(model, tmp_path / "another" / "directory")
    assert first == second
    parity = certify(Library(first), model, None)
    assert parity.rows["random"] >= 100_000
    assert parity.judged > 100_000


@linux_only
def test_the_library_is_hardened(image: bytes, tmp_path: Path) -> None:
    """The library has read-only relocations, no executable stack and exports only its interface."""
    if not shutil.which("readelf"):
        pytest.skip("no readelf here: apt install binutils")
    path = tmp_path / "library.so"
    path.write_bytes(image)
    shown = subprocess.run(["readelf", "-Wlds", path], capture_output=True, text=True, check=True).stdout
    assert "GNU_RELRO" in shown
    assert "BIND_NOW" in shown
    assert "SYMBOLIC" in shown
    stack = next(line for line in shown.splitlines() if "GNU_STACK" in line)
    assert " RW " in stack
    exported = {
        line.split()[-1]
        for line in shown.splitlines()
        if " GLOBAL " in line and " FUNC " in line and " DEFAULT " in line and " UND " not in line
    }
    assert exported == {
        "library_shape",
        "library_instruction_sets",
        "library_use",
        "predict_one",
        "python_predict",
        "python_predict_batch",
        "predict_features",
        "predict_rows",
        "predict_feature_rows",
        "predict_columns",
        "judge_rows",
    }


@linux_only
@pytest.mark.parametrize("tuning", [TL2CGEN, RANKS], ids=["tl2cgen", "ranks"])
def test_another_architecture_builds_and_answers(
    model: CompilableModel, image: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tuning: Tuning
) -> None:
    """A library for aarch64, run by an emulator, gives the golden row's margins."""
    cross, emulator = "aarch64-linux-gnu-gcc", "qemu-aarch64"
    if platform.machine() == "aarch64" or not (shutil.which(cross) and shutil.which(emulator)):
        pytest.skip("no cross compiler: apt install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user")
    monkeypatch.setenv("CC", cross)
    compiler = find_compiler()
    assert compiler.machine == "aarch64"
    (tmp_path / "libmodel.so").write_bytes(built(model, tmp_path / "source", tuning))
    shutil.copy(Path(__file__).parent / "print_margins.c", tmp_path)
    subprocess.run(
        [cross, "print_margins.c", "./libmodel.so", "-Wl,-rpath,$ORIGIN", "-o", "print_margins"],
        cwd=tmp_path,
        check=True,
    )
    row = ["39.1", "18.7", "181", "3750"]
    command = [emulator, "-L", "/usr/aarch64-linux-gnu", "./print_margins", *row]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
    here = Library(image)
    label = here.predict(tuple(map(float, row)))[0]
    assert [float.fromhex(value) for value in shown[1:]] == here.margins
    assert int(shown[0]) == label


def test_no_compiler_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing compiler is refused with what to install."""
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(Refusal, match="CC=no-such-compiler is not on PATH"):
        find_compiler()
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Refusal, match="apt install gcc"):
        find_compiler()


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


ANSWERS = 'case "$1" in --version) echo "fake 1"; exit;; -dumpmachine) echo x86_64-linux; exit;; esac\n'


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        ("echo 'x.c:1: error: no space' >&2; exit 1", "x.c:1: error: no space"),
        ("kill -9 $$", "killed by signal 9"),
        ("exec sleep 60", "took longer than"),
        ("exit 3", "exit status 3"),
    ],
)
def test_a_compiler_that_fails_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str, told: str
) -> None:
    """A compiler that fails, dies or hangs is named in one line."""
    monkeypatch.setenv("CC", str(script(tmp_path / "cc", ANSWERS + behaviour)))
    monkeypatch.setattr(toolchain, "TIMEOUT_S", 0.5)
    with pytest.raises(Refusal, match=told) as refusal:
        compile_units(find_compiler(), [Unit("x.c", "x.o")], tmp_path)
    assert "\n" not in str(refusal.value)


def test_a_compiler_that_is_no_program_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that is not a program is refused."""
    path = tmp_path / "cc"
    path.write_bytes(b"\x7fELF nonsense")
    path.chmod(0o755)
    monkeypatch.setenv("CC", str(path))
    with pytest.raises(Refusal, match="cannot run"):
        find_compiler()
