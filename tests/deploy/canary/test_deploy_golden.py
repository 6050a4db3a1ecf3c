"""The golden row: what a revision is asked before it gets a request, and which answer is right."""

import json
from pathlib import Path

import msgspec
import pytest

from contract.format_2 import INTERFACE
from contract.manifest import MANIFEST_FILE, Digest, Manifest, encode
from contract.refusal import Refusal
from contract.schema import CONTRACT_FILE, Contract, Input, Output
from deploy.canary.golden import GoldenCheck
from tests.deploy.answering import answering
from tests.support.bundles import make, put_manifest
from tests.support.releases import Release

NOWHERE = "http://127.0.0.1:1"
GULL = Contract("gull", tuple(map(Input, "abcd")), Output("number"))


def outputs(margins: tuple[float, ...]) -> bytes:
    return msgspec.json.encode({"outputs": [{"name": "margin", "data": margins}]})


def test_the_golden_row_is_right_to_the_bit(old: Release) -> None:
    """A golden answer with one other bit, bundle or status is refused."""
    right = outputs(old.golden.margins)
    near = (old.golden.margins[0] * (1 + 2**-23), *old.golden.margins[1:])
    cases = [
        (200, old.digest, right, None),
        (200, old.digest, outputs(near), "the golden row's margins are"),
        (200, old.digest, outputs(old.golden.margins[:-1]), "the golden row's margins are"),
        (200, "", right, "it serves bundle (unnamed), expected"),
        (500, old.digest, right, "the golden row was answered 500"),
        (503, old.digest, b"no model", "the golden row was answered 503: no model"),
        (200, old.digest, b"[", "its answer to the golden row is not one"),
        (200, old.digest, b'{"outputs": []}', "its answer to the golden row is not one"),
    ]
    for status, version, body, expected in cases:
        with answering(status, version, body) as url:
            mistake = GoldenCheck(url, old.directory).mistake()
        assert (mistake or "").startswith(expected or "")
        assert (mistake is None) == (expected is None)


def changed(directory: Path, **fields: object) -> str:
    """Make a small bundle whose manifest has other fields. Return its digest."""
    make(directory)
    document = json.loads((directory / MANIFEST_FILE).read_bytes())
    return put_manifest(directory, json.dumps({**document, **fields}).encode(), None)


def with_contract(directory: Path, data: bytes) -> str:
    """Make a small bundle with these bytes as its contract. Return its digest."""
    make(directory)
    manifest = msgspec.json.decode((directory / MANIFEST_FILE).read_bytes(), type=Manifest)
    (directory / CONTRACT_FILE).write_bytes(data)
    files = {**manifest.files, CONTRACT_FILE: Digest.of(data)}
    return put_manifest(directory, encode(msgspec.structs.replace(manifest, files=files)), None)


def asked(directory: Path, digest: str) -> tuple[str, str | None]:
    """Check the golden row of a bundle. Return the path that was asked, and the mistake."""
    paths: list[str] = []
    with answering(200, digest, outputs((0.0, 0.0, 1.0)), paths) as url:
        mistake = GoldenCheck(f"{url}/behind", directory).mistake()
    (path,) = paths
    return path, mistake


def test_a_model_is_asked_by_its_name(tmp_path: Path) -> None:
    """The path has the name in the contract, below the path of the address."""
    digest = with_contract(tmp_path, encode(GULL))
    assert asked(tmp_path, digest) == ("/behind/v2/models/gull/versions/1/infer", None)
    assert GoldenCheck(NOWHERE, tmp_path).label == ""


def test_a_release_of_format_2_is_the_penguins(tmp_path: Path) -> None:
    """A canary can go back to a bundle that holds no contract."""
    make(tmp_path)
    files = json.loads((tmp_path / MANIFEST_FILE).read_bytes())["files"]
    del files[CONTRACT_FILE]
    digest = changed(tmp_path, format_version=2, interface=msgspec.to_builtins(INTERFACE), files=files)
    (tmp_path / CONTRACT_FILE).unlink()
    assert asked(tmp_path, digest) == ("/behind/v2/models/penguin/versions/1/infer", None)
    assert GoldenCheck(NOWHERE, tmp_path).label == "species"


def test_a_release_without_its_files_is_refused(tmp_path: Path) -> None:
    """A manifest or a contract that is absent, of another bundle or damaged is refused with its path."""
    with pytest.raises(Refusal, match=f"cannot read {tmp_path}/manifest.json: .*; --bundle names the new release's"):
        GoldenCheck(NOWHERE, tmp_path)
    for data, told in (
        (b"{}", "missing required field `name`.*; make the bundle again: python -m compile MODEL"),
        (b"\xff", "malformed"),
        (b"[" * 100_000, "Expected `object`"),
    ):
        with_contract(tmp_path, data)
        with pytest.raises(Refusal, match=f"{tmp_path}/contract.json: .*{told}"):
            GoldenCheck(NOWHERE, tmp_path)
    make(tmp_path)
    (tmp_path / CONTRACT_FILE).write_bytes(encode(GULL))
    with pytest.raises(Refusal, match=r"contract.json is not the file that manifest.json beside it lists; give"):
        GoldenCheck(NOWHERE, tmp_path)
    (tmp_path / CONTRACT_FILE).unlink()
    with pytest.raises(Refusal, match=r"cannot read .*contract.json"):
        GoldenCheck(NOWHERE, tmp_path)
    changed(tmp_path, format_version=4)
    with pytest.raises(Refusal, match="expected bundle format 2 or 3, found 4"):
        GoldenCheck(NOWHERE, tmp_path)
