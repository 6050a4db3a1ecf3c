"""`python -m compile`, as a person types it."""

import os
from pathlib import Path

import msgspec
import pytest
import xgboost

from compile.reading.booster import read_model
from contract.certificate import Certificate
from contract.manifest import (
    CARD_FILES,
    MANIFEST_FILE,
    MODEL_FILE,
    TRAINING_FILE,
    Digest,
    decode_manifest,
    html_file,
    platform_name,
)
from contract.reading import PENGUINS, read_contract
from contract.schema import CONTRACT_FILE, decode_contract
from contract.training import KNOWN_ROWS_FILE
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
        KNOWN_ROWS_FILE,
        TREES_FILE,
        CONTRACT_FILE,
        *CARD_FILES,
        *map(html_file, CARD_FILES),
    }
    assert set(os.listdir(bundle_path)) == {*manifest.files, MANIFEST_FILE}
    for name, digest in manifest.files.items():
        assert Digest.of((bundle_path / name).read_bytes()) == digest
    certificate = msgspec.json.decode((bundle_path / target.certificate).read_bytes(), type=Certificate)
    assert certificate.judged == sum(certificate.rows.values()) - certificate.rows["thresholds"]
    assert (bundle_path / MODEL_FILE).read_bytes() == model_path.read_bytes()
    assert decode_contract((bundle_path / CONTRACT_FILE).read_bytes()) == read_contract(PENGUINS)
    assert manifest.interface is None
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
    assert set(one_row) == {"one row, tl2cgen", "one row, walk", "one row, ranks"}
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
        (["{model}", "--contract", "no-such.toml"], "cannot read the contract no-such.toml"),
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
def test_a_model_without_a_contract_gets_one_that_can_be_edited(tmp_path: Path) -> None:
    """A model without a contract compiles; what was derived is written beside the bundle, and is never overwritten."""
    matrix = xgboost.DMatrix([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 9.0]], [0, 1, 0, 1], feature_names=["a", "b c"])
    path, out = tmp_path / "my model.json", tmp_path / "bundle"
    xgboost.train({"objective": "binary:logistic", "min_child_weight": 0}, matrix, 3).save_model(path)
    result = run_module("compile", path, "--out", out, *PINNED)
    assert (result.returncode, result.stderr) == (0, "")
    written = tmp_path / "bundle.toml"
    assert f"written to {written}: edit it and give it with --contract {written}" in result.stdout
    contract = decode_contract((out / CONTRACT_FILE).read_bytes())
    assert read_contract(written) == contract == read_model(path).contract
    assert (contract.name, contract.title, contract.features) == ("my-model", "my model", ("a", "b c"))
    edited = written.read_text().replace('classes = [\n    "0",\n    "1",\n]', 'classes = ["no", "yes"]')
    assert edited != written.read_text()
    written.write_text(edited)
    again = run_module("compile", path, "--out", out, *PINNED)
    assert again.returncode == 0
    assert f"{written} is another one: to use it, --contract {written}" in again.stdout
    assert written.read_text() == edited
    given = run_module("compile", path, "--out", out, "--contract", written, *PINNED)
    assert "derived" not in given.stdout
    assert decode_contract((out / CONTRACT_FILE).read_bytes()).output.classes == ("no", "yes")


def test_a_derived_contract_can_be_printed(tmp_path: Path, model_path: Path) -> None:
    """`python -m contract MODEL` prints the derived contract, and refuses what is no model."""
    result = run_module("contract", model_path)
    assert (result.returncode, result.stderr) == (0, "")
    (tmp_path / "x.toml").write_text(result.stdout)
    assert read_contract(tmp_path / "x.toml") == read_model(model_path).contract
    refused = run_module("contract", "Makefile")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("error: Makefile")


def test_a_contract_of_another_model_is_refused(tmp_path: Path, model_path: Path) -> None:
    """A contract that the model does not fit is refused, and no bundle is written."""
    path = tmp_path / "other.toml"
    path.write_text(PENGUINS.read_text().replace('"Adelie"', '"Adelie", "Emperor"'))
    result = run_module("compile", model_path, "--out", tmp_path / "bundle", "--contract", path)
    assert result.returncode == 2
    assert "expected a model that answers a probability for each of 4 classes" in result.stderr
    assert os.listdir(tmp_path) == ["other.toml"]
