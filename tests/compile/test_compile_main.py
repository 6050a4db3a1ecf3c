"""`python -m compile`, as a person types it."""

import os
from pathlib import Path

import msgspec
import pytest
import xgboost

from contract.certificate import Certificate
from contract.manifest import MANIFEST_FILE, MODEL_FILE, TRAINING_FILE, Digest, decode_manifest, platform_name
from contract.trees import TREES_FILE
from contract.uncertainty import UNCERTAINTY_FILE
from tests.support.commands import run_module


def test_the_bundle_holds_what_its_manifest_says(bundle_path: Path, model_path: Path) -> None:
    """The bundle has exactly the files of its manifest, with their sizes and digests."""
    manifest = decode_manifest((bundle_path / MANIFEST_FILE).read_bytes(), "manifest.json")
    (target,) = manifest.platforms.values()
    assert set(manifest.files) == {
        target.library,
        MODEL_FILE,
        target.certificate,
        TRAINING_FILE,
        UNCERTAINTY_FILE,
        TREES_FILE,
    }
    assert set(os.listdir(bundle_path)) == {*manifest.files, MANIFEST_FILE}
    for name, digest in manifest.files.items():
        assert Digest.of((bundle_path / name).read_bytes()) == digest
    certificate = msgspec.json.decode((bundle_path / target.certificate).read_bytes(), type=Certificate)
    assert certificate.judged == sum(certificate.rows.values()) - certificate.rows["thresholds"]
    assert (bundle_path / MODEL_FILE).read_bytes() == model_path.read_bytes()
    assert target.toolchain.versions["xgboost"] == xgboost.__version__


EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}
PINNED = ("--one-row", "walk", "--block-from", "32")


@pytest.mark.long
def test_the_same_model_gives_the_same_bundle(model_path: Path, tmp_path: Path) -> None:
    """Two compilations with one model, choices and time give one bundle."""
    names = []
    for place in ("a", "b"):
        out = tmp_path / place / "bundle"
        result = run_module("compile", model_path, "--out", out, *PINNED, "--emit-c", tmp_path / "c", environment=EPOCH)
        assert result.returncode == 0, result.stderr
        assert "bit for bit" in result.stdout
        assert result.stderr == ""
        names.append(out.resolve().name)
    assert names[0] == names[1]
    manifest = decode_manifest((tmp_path / "a" / "bundle" / MANIFEST_FILE).read_bytes(), "manifest.json")
    assert f"{manifest.created_at:%FT%TZ}" == "2023-11-14T22:13:20Z"
    assert manifest.bundle_version == f"2023.11.14-{manifest.model_sha256[:8]}"
    assert "derive_features" in (tmp_path / "c" / "model.h").read_text()


def test_the_choice_is_recorded_with_its_figures(bundle_path: Path) -> None:
    """The manifest has the measured times, and the fastest choice."""
    manifest = decode_manifest((bundle_path / MANIFEST_FILE).read_bytes(), "manifest.json")
    tuning = manifest.platforms[platform_name()].tuning
    one_row = {name: figure for name, figure in tuning.figures.items() if name.startswith("one row")}
    assert set(one_row) == {"one row, tl2cgen", "one row, walk"}
    assert all(figure > 0 for figure in tuning.figures.values())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["no-such-model.json"], "make train"),
        (["Makefile"], "a model that XGBoost saved"),
        (["{model}", "--out", "{tmp}/file/bundle"], "cannot write the bundle"),
        (["{model}", "--out", "{tmp}"], "not a bundle made by this command"),
        (["{model}", "--emit-c", "{tmp}/file"], "cannot write the C"),
        (["{model}", "--one-row", "walk"], "go together"),
        (["{model}", "--one-row", "walk", "--block-from", "0"], "at least 1"),
        (["{model}", "--bundle-version", "the new one"], "choose another --bundle-version"),
        ([], "the following arguments are required"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(model_path: Path, tmp_path: Path, arguments: list[str], told: str) -> None:
    """A mistake ends with status 2 and one line, and writes nothing."""
    (tmp_path / "file").write_bytes(b"")
    given = [argument.format(model=model_path, tmp=tmp_path) for argument in arguments]
    result = run_module("compile", *given)
    assert result.returncode == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1 or "usage:" in result.stderr
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.long
def test_another_model_compiles_and_says_that_the_service_will_refuse_it(tmp_path: Path) -> None:
    """A model with other features compiles with a notice that the service will refuse it."""
    matrix = xgboost.DMatrix([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 9.0]], [0, 1, 0, 1])
    path = tmp_path / "model.json"
    xgboost.train({"objective": "binary:logistic", "min_child_weight": 0}, matrix, 3).save_model(path)
    result = run_module("compile", path, "--out", tmp_path / "bundle", *PINNED)
    assert result.returncode == 0, result.stderr
    assert "the service will refuse it: expected measurements bill_length_mm" in result.stderr


@pytest.mark.long
@pytest.mark.parametrize("summary", [b"{}", b"\xff", None])
def test_a_summary_of_another_model_is_refused(artifacts: Path, tmp_path: Path, summary: bytes | None) -> None:
    """A training summary of another model is refused."""
    path = tmp_path / "penguin_model.json"
    path.write_bytes((artifacts / path.name).read_bytes() + b" ")
    (tmp_path / TRAINING_FILE).write_bytes((artifacts / TRAINING_FILE).read_bytes() if summary is None else summary)
    result = run_module("compile", path, "--out", tmp_path / "bundle")
    assert result.returncode == 2
    assert "train again: make train" in result.stderr
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("reference", [b"{}", b"\xff", "another model", "another shape"])
def test_a_reference_that_does_not_belong_is_refused(artifacts: Path, tmp_path: Path, reference: bytes | str) -> None:
    """A reference of another model or a malformed one is refused."""
    path = tmp_path / "penguin_model.json"
    path.write_bytes((artifacts / path.name).read_bytes())
    data = (artifacts / UNCERTAINTY_FILE).read_bytes()
    if reference == "another model":
        reference = data.replace(Digest.of(path.read_bytes()).sha256.encode(), b"0" * 64)
    elif reference == "another shape":
        reference = data.replace(b'"Gentoo": {', b'"Emperor": {')
    assert isinstance(reference, bytes)
    assert reference != data
    (tmp_path / UNCERTAINTY_FILE).write_bytes(reference)
    result = run_module("compile", path, "--out", tmp_path / "bundle", *PINNED)
    assert result.returncode == 2
    assert "train again: python -m train, or remove it" in result.stderr
    assert not (tmp_path / "bundle").exists()
