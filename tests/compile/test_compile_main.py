"""`python -m compile`, as a person types it."""

import os
from pathlib import Path

import pytest
import xgboost

from contract.certificate import CERTIFICATE_FILE
from contract.manifest import MANIFEST_FILE, MODEL_FILE, TRAINING_FILE, Digest, decode_manifest
from tests.commands import run_module


def test_the_bundle_holds_what_its_manifest_says(bundle_path: Path, model_path: Path) -> None:
    """The library, the model and the training summary, each with its size and digest, and nothing else."""
    manifest = decode_manifest((bundle_path / MANIFEST_FILE).read_bytes(), "manifest.json")
    (library,) = manifest.libraries.values()
    assert set(manifest.files) == {library, MODEL_FILE, CERTIFICATE_FILE, TRAINING_FILE}
    assert set(os.listdir(bundle_path)) == {*manifest.files, MANIFEST_FILE}
    for name, digest in manifest.files.items():
        assert Digest.of((bundle_path / name).read_bytes()) == digest
    assert (bundle_path / MODEL_FILE).read_bytes() == model_path.read_bytes()
    assert manifest.toolchain.versions["xgboost"] == xgboost.__version__


PINNED = ("--one-row", "walk", "--block-from", "32")


def test_the_same_model_gives_the_same_bundle(model_path: Path, tmp_path: Path) -> None:
    """With the measured choices given, its name, which is its manifest's digest, is the same; the C can be read."""
    names = []
    for place in ("a", "b"):
        out = tmp_path / place / "bundle"
        result = run_module("compile", model_path, "--out", out, *PINNED, "--emit-c", tmp_path / "c")
        assert result.returncode == 0, result.stderr
        assert "bit for bit" in result.stdout
        assert result.stderr == ""
        names.append(out.resolve().name)
    assert names[0] == names[1]
    assert "derive_features" in (tmp_path / "c" / "model.h").read_text()


def test_the_choice_is_recorded_with_its_figures(bundle_path: Path) -> None:
    """What was timed, in microseconds a row, and the fastest of it."""
    tuning = decode_manifest((bundle_path / MANIFEST_FILE).read_bytes(), "manifest.json").tuning
    one_row = {name: figure for name, figure in tuning.figures.items() if name.startswith("one row")}
    assert set(one_row) == {"one row, tl2cgen", "one row, walk"}
    assert all(figure > 0 for figure in tuning.figures.values())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["no-such-model.json"], "make train"),
        (["Makefile"], "not an XGBoost model"),
        (["{model}", "--out", "{tmp}/file/bundle"], "cannot write the bundle"),
        (["{model}", "--out", "{tmp}"], "not a bundle made by this command"),
        (["{model}", "--emit-c", "{tmp}/file"], "cannot write the C"),
        (["{model}", "--one-row", "walk"], "go together"),
        (["{model}", "--one-row", "walk", "--block-from", "0"], "at least 1"),
        ([], "the following arguments are required"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(model_path: Path, tmp_path: Path, arguments: list[str], told: str) -> None:
    """It says what to do, and nothing is written."""
    (tmp_path / "file").write_bytes(b"")
    given = [argument.format(model=model_path, tmp=tmp_path) for argument in arguments]
    result = run_module("compile", *given)
    assert result.returncode == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1 or "usage:" in result.stderr
    assert os.listdir(tmp_path) == ["file"]


def test_another_model_compiles_and_says_that_the_service_will_refuse_it(tmp_path: Path) -> None:
    """An XGBoost model of other features is no penguin model."""
    matrix = xgboost.DMatrix([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 9.0]], [0, 1, 0, 1])
    path = tmp_path / "model.json"
    xgboost.train({"objective": "binary:logistic", "min_child_weight": 0}, matrix, 3).save_model(path)
    result = run_module("compile", path, "--out", tmp_path / "bundle", *PINNED)
    assert result.returncode == 0, result.stderr
    assert "the service will refuse it: expected measurements bill_length_mm" in result.stderr


@pytest.mark.parametrize("summary", [b"{}", b"\xff", None])
def test_a_summary_of_another_model_is_refused(artifacts: Path, tmp_path: Path, summary: bytes | None) -> None:
    """A training that was stopped half way leaves an old model beside a new summary."""
    path = tmp_path / "penguin_model.json"
    path.write_bytes((artifacts / path.name).read_bytes() + b" ")
    (tmp_path / TRAINING_FILE).write_bytes((artifacts / TRAINING_FILE).read_bytes() if summary is None else summary)
    result = run_module("compile", path, "--out", tmp_path / "bundle")
    assert result.returncode == 2
    assert "train again: make train" in result.stderr
    assert not (tmp_path / "bundle").exists()
