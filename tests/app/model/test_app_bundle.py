"""Bytes that were not verified never run."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from binding.library import Library
from contract.certificate import certificate_file
from contract.manifest import MANIFEST_FILE, MODEL_FILE, TRAINING_FILE, Digest, encode, platform_name
from contract.refusal import Refusal
from contract.schema import CONTRACT_FILE
from contract.uncertainty import UNCERTAINTY_FILE
from score import bundle as bundle_module
from score.bundle import Bundle, load_bundle
from tests.support.commands import run_module

CERTIFICATE_FILE = certificate_file(platform_name())


@pytest.fixture
def copy(bundle_path: Path, tmp_path: Path) -> Path:
    """Copy the bundle, to damage it."""
    return Path(shutil.copytree(bundle_path, tmp_path / "bundle"))


def library_path(bundle: Path) -> Path:
    (path,) = bundle.glob("libmodel*")
    return path


def edit_manifest(bundle: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads((bundle / MANIFEST_FILE).read_bytes())
    edit(document)
    (bundle / MANIFEST_FILE).write_text(json.dumps(document))


def test_a_whole_bundle_loads(copy: Path) -> None:
    """A whole bundle loads, and its version is its manifest's digest."""
    loaded = load_bundle(copy)
    assert loaded.version == Digest.of((copy / MANIFEST_FILE).read_bytes()).sha256
    assert loaded.training is not None
    assert loaded.origin == str(copy)
    assert loaded.signed_by is None


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test if a library is mapped: the refusal has to come before."""

    def library(_: bytes) -> None:
        pytest.fail("unverified bytes were mapped")

    monkeypatch.setattr(bundle_module, "Library", library)


@pytest.mark.usefixtures("no_library")
def test_a_library_cut_anywhere_is_refused_before_it_is_mapped(copy: Path) -> None:
    """A library that is cut at any multiple of 512 bytes is refused before it is mapped."""
    path = library_path(copy)
    data = path.read_bytes()
    for length in range(0, len(data), 512):
        path.write_bytes(data[:length])
        with pytest.raises(Refusal, match=r"expected .* bytes of SHA-256"):
            load_bundle(copy)


@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize("name", [MODEL_FILE, CONTRACT_FILE, TRAINING_FILE, CERTIFICATE_FILE, "libmodel"])
def test_one_flipped_bit_in_any_file_is_refused(copy: Path, name: str) -> None:
    """A flipped bit is refused with the file's name and the command that repairs it."""
    path = library_path(copy) if name == "libmodel" else copy / name
    data = bytearray(path.read_bytes())
    for position in range(0, len(data), len(data) // 7):
        data[position] ^= 1 << (position % 8)
        path.write_bytes(data)
        with pytest.raises(Refusal, match="SHA-256") as refusal:
            load_bundle(copy)
        assert str(path) in str(refusal.value)
        assert "make the bundle again: python -m compile MODEL" in str(refusal.value)
        data[position] ^= 1 << (position % 8)


@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda m: m["files"].pop(CONTRACT_FILE), "contract.json is not in the bundle"),
        (
            lambda m: m.update(platforms={"plan9-mips": m["platforms"][platform_name()]}),
            f"has libraries for plan9-mips, not {platform_name()}; compile its model on",
        ),
        (lambda m: m["platforms"][platform_name()].update(library="unlisted.so"), "no digest of unlisted.so"),
        (lambda m: m.update(model_sha256="0" * 64), "is not the model that it was made from"),
        (lambda m: m["files"].update({"../secret": m["files"][MODEL_FILE]}), "not the name of a file"),
        (lambda m: m["files"].update({"/etc/passwd": m["files"][MODEL_FILE]}), "not the name of a file"),
        (lambda m: m["files"].update({"absent": m["files"][MODEL_FILE]}), "cannot read"),
        (lambda m: m.update(format_version=0), "expected bundle format 2 or 3, found 0"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(copy: Path, edit: Callable[[dict[str, Any]], None], told: str) -> None:
    """A manifest without a contract, or with another platform, format or path, is refused."""
    edit_manifest(copy, edit)
    with pytest.raises(Refusal, match=told):
        load_bundle(copy)


def put(bundle: Path, name: str, data: bytes) -> None:
    """Change a file of the bundle and its digest in the manifest."""
    (bundle / name).write_bytes(data)
    digest = Digest.of(data)

    def edit(manifest: dict[str, Any]) -> None:
        manifest["files"][name] = {"size": digest.size, "sha256": digest.sha256}
        if name == CERTIFICATE_FILE:
            manifest["platforms"][platform_name()]["certificate_sha256"] = digest.sha256

    edit_manifest(bundle, edit)


@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda c: c.update(inputs=[]), "Expected `array` of length >= 1"),
        (lambda c: c["inputs"][0].update(minimum=90), "input 'bill_length_mm': expected a minimum of at most its"),
        (lambda c: c["inputs"][0].update(scale=2), "unknown field `scale`"),
        (lambda c: c["inputs"][1].update(name="bill_length_mm"), "each once, found twice bill_length_mm"),
        (lambda c: c["output"].update(classes=[]), "output: expected classes, each once, found none"),
        (lambda c: c.update(name="../penguin"), "matching regex"),
    ],
)
def test_a_contract_that_cannot_be_is_refused(copy: Path, edit: Callable[[dict[str, Any]], object], told: str) -> None:
    """A contract that contradicts itself is refused with the name of its file, although its digest is right."""
    document = json.loads((copy / CONTRACT_FILE).read_bytes())
    edit(document)
    put(copy, CONTRACT_FILE, json.dumps(document).encode())
    with pytest.raises(Refusal, match=told) as refusal:
        load_bundle(copy)
    assert str(copy / CONTRACT_FILE) in str(refusal.value)
    assert "make the bundle again: python -m compile MODEL" in str(refusal.value)


@pytest.mark.parametrize(
    "edit",
    [
        lambda c: c["inputs"].append({"name": "age"}),
        lambda c: c["derived"].pop(),
        lambda c: c["output"]["classes"].append("Emperor"),
        lambda c: c.update(output={"kind": "number"}),
    ],
)
def test_a_contract_of_another_library_is_refused(copy: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """A contract with more inputs, fewer features or other values than the library is refused."""
    document = json.loads((copy / CONTRACT_FILE).read_bytes())
    edit(document)
    put(copy, CONTRACT_FILE, json.dumps(document).encode())
    with pytest.raises(Refusal, match=r"expected a library of shape .* found"):
        load_bundle(copy)


@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize("field", ["library_sha256", "model_sha256"])
def test_a_certificate_for_other_bytes_is_refused(copy: Path, field: str) -> None:
    """A certificate of other bytes is refused."""
    document = json.loads((copy / CERTIFICATE_FILE).read_bytes())
    put(copy, CERTIFICATE_FILE, json.dumps({**document, field: "0" * 64}).encode())
    with pytest.raises(Refusal, match="expected a certificate for"):
        load_bundle(copy)


def test_an_instruction_set_that_was_not_certified_is_not_used(copy: Path) -> None:
    """The service uses only certified instruction sets."""
    document = json.loads((copy / CERTIFICATE_FILE).read_bytes())
    put(copy, CERTIFICATE_FILE, json.dumps({**document, "instruction_sets": ["baseline"]}).encode())
    library = load_bundle(copy).library
    assert library.instruction_sets == 1
    with pytest.raises(ValueError, match="instruction set 1 is not one of 0 to 0"):
        library.predict_rows(b"", 0, 0, 1)


@pytest.mark.usefixtures("no_library")
def test_a_bundle_without_a_certificate_is_refused(copy: Path) -> None:
    """A bundle without a certificate is refused."""
    edit_manifest(copy, lambda manifest: manifest["files"].pop(CERTIFICATE_FILE))
    with pytest.raises(Refusal, match="nothing proves its library"):
        load_bundle(copy)
    put(copy, CERTIFICATE_FILE, b"{}")
    with pytest.raises(Refusal, match="not a certificate"):
        load_bundle(copy)


def test_a_library_that_answers_otherwise_is_refused(copy: Path) -> None:
    """A library that does not give its golden answer is refused before the first client."""
    edit_manifest(copy, lambda manifest: manifest["golden"].update(margins=[0.0, 0.0, 0.0]))
    with pytest.raises(Refusal, match="where XGBoost answered"):
        load_bundle(copy)


def test_a_library_whose_batches_answer_otherwise_is_refused(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library whose batches are wrong on any instruction set is refused."""
    real = Library.predict_rows

    def wrong_in_the_last(library: Any, data: bytes, offset: int, rows: int, instruction_set: int) -> Any:
        batch = real(library, data, offset, rows, instruction_set)
        if instruction_set == library.instruction_sets - 1:
            batch.labels[-4] ^= 1
        return batch

    monkeypatch.setattr(Library, "predict_rows", wrong_in_the_last)
    with pytest.raises(Refusal, match="in batches with instruction set"):
        load_bundle(copy)


def test_a_golden_row_of_another_length_is_refused(copy: Path) -> None:
    """A golden row of another length is refused."""
    edit_manifest(copy, lambda manifest: manifest["golden"].update(measurements=[1.0]))
    with pytest.raises(Refusal, match="expected a library of shape"):
        load_bundle(copy)


def test_a_training_summary_that_is_none_is_refused(copy: Path) -> None:
    """A training summary that is malformed is refused, although its digest is right."""
    put(copy, TRAINING_FILE, b"{}")
    with pytest.raises(Refusal, match=TRAINING_FILE):
        load_bundle(copy)


def test_a_reference_that_does_not_belong_is_refused(copy: Path, bundle: Bundle) -> None:
    """A reference that is malformed, missing or of another model is refused."""
    assert bundle.uncertainty is not None
    for data, told in (
        (b"{}", UNCERTAINTY_FILE),
        (encode(msgspec.structs.replace(bundle.uncertainty, model_sha256="0" * 64)), "belongs to another model"),
    ):
        put(copy, UNCERTAINTY_FILE, data)
        with pytest.raises(Refusal, match=told):
            load_bundle(copy)
    edit_manifest(copy, lambda manifest: manifest["files"].pop(UNCERTAINTY_FILE))
    with pytest.raises(Refusal, match=f"a library made with {UNCERTAINTY_FILE}, or neither"):
        load_bundle(copy)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"BUNDLE": "no/such/bundle"}, "set it to what python -m bundle keygen printed, or ALLOW_UNSIGNED_BUNDLES=1"),
        ({"BUNDLE": "gs://models/penguins"}, "BUNDLE: bundle address"),
        ({"BUNDLE": "gs://models#stable", "TRUSTED_KEYS": "me"}, "BUNDLE: trusted key 'me'"),
        ({"FOLLOW_SECONDS": "5"}, "FOLLOW_SECONDS=5: expected BUNDLE to be a channel"),
        ({"CHALLENGER_URI": "store#canary"}, "CHALLENGER_URI=store#canary: expected TRUSTED_KEYS"),
        (
            {"BUNDLE": "store#stable", "BUNDLE_CACHE": "./store/", "ALLOW_UNSIGNED_BUNDLES": "1"},
            "BUNDLE_CACHE and BUNDLE: the cache store and the store store lie in each other",
        ),
        ({"FETCH_SECONDS": "inf"}, "FETCH_SECONDS='inf'"),
        ({"FOLLOW_SECONDS": "inf"}, "FOLLOW_SECONDS='inf'"),
        ({"PORT": "http"}, "PORT='http'"),
        ({"PORT": "70000"}, "PORT='70000'"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL='loud'"),
        ({"MAX_BODY_BYTES": "-1"}, "MAX_BODY_BYTES='-1'"),
    ],
)
@pytest.mark.parametrize("command", [("app",), ("uvicorn", "app.main:app", "--port", "0")])
def test_a_mistake_at_start_up_is_one_line_and_status_2(
    environment: dict[str, str], told: str, command: tuple[str, ...]
) -> None:
    """Both ways to start end a mistake with one line that says what to do."""
    result = run_module(*command, environment=environment)
    assert result.returncode == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
