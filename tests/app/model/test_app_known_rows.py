"""GET /model/rows: what the owner of a model published, and nothing else."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import app.model.known_rows as module
from app.model.known_rows import KnownRowsAnswer
from contract.manifest import MANIFEST_FILE, Digest
from contract.training import KNOWN_ROWS_FILE, KnownRows
from score.bundle import Bundle, load_bundle
from tests.support.service import Service, serving

BIRD = {"bill_length_mm": 39.1, "bill_depth_mm": 18.7, "flipper_length_mm": 181, "body_mass_g": 3750}
HEADERS = [(b"content-type", b"application/json")]


def edit_files(bundle: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change the list of files in a bundle's manifest."""
    path = bundle / MANIFEST_FILE
    document = msgspec.json.decode(path.read_bytes())
    edit(document["files"])
    path.write_bytes(msgspec.json.encode(document))


def test_the_published_rows_are_answered(service: Service, bundle_path: Path) -> None:
    """The answer is the file of the bundle, byte by byte, and names the model."""
    reply = service.request("GET", "/model/rows")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["model-version"] == service.request("GET", "/model").document["version"]
    assert reply.body == (bundle_path / KNOWN_ROWS_FILE).read_bytes()
    assert service.request("GET", "/model").document["files"][KNOWN_ROWS_FILE]["size"] == len(reply.body)


def test_a_bundle_without_rows_is_served(bundle_path: Path, tmp_path: Path) -> None:
    """An older bundle, or one whose owner publishes nothing, is served as before; the rows are a 404 that says why."""
    copy = tmp_path / "bundle"
    shutil.copytree(bundle_path, copy)
    edit_files(copy, lambda files: files.pop(KNOWN_ROWS_FILE))
    with serving(copy) as running:
        reply = running.request("GET", "/model/rows")
        assert reply.status == 404
        assert reply.headers["content-type"] == "application/problem+json"
        assert "--publish-rows" in reply.document["detail"]
        assert running.predict(BIRD).status == 200


def test_rows_are_not_decoded_before_they_are_asked_for(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start-up and a swap cost nothing: the first request decodes, the next ones get the same answer."""
    decoded: list[bytes] = []

    def decode(data: bytes) -> object:
        decoded.append(data)
        return msgspec.json.decode(data, type=KnownRows)

    monkeypatch.setattr(module, "decode_known_rows", decode)
    answer = KnownRowsAnswer(bundle, HEADERS)
    assert not decoded
    assert answer() is answer()
    assert len(decoded) == 1


@pytest.mark.parametrize("data", [b"{}", b"\xff", b"[" * 100_000, b'{"model_sha256": 1}'])
def test_rows_that_cannot_be_used_are_not_sent(bundle_path: Path, tmp_path: Path, data: bytes) -> None:
    """A faulty file does not keep a model from serving: the rows are a 404 that names the file."""
    copy = tmp_path / "bundle"
    shutil.copytree(bundle_path, copy)
    (copy / KNOWN_ROWS_FILE).write_bytes(data)
    digest = Digest.of(data)
    entry = {"size": digest.size, "sha256": digest.sha256}
    edit_files(copy, lambda files: files.update({KNOWN_ROWS_FILE: entry}))
    answer = KnownRowsAnswer(load_bundle(copy), HEADERS)()
    assert answer.status == 404
    assert KNOWN_ROWS_FILE in msgspec.json.decode(answer.body)["detail"]
