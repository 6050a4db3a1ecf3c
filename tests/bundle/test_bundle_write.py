import os
from pathlib import Path

import msgspec
import pytest

from bundle.write import write_bundle
from contract.manifest import MANIFEST_FILE, Manifest, decode_manifest
from contract.refusal import Refusal
from tests.support.faults import fail_nth_write


@pytest.fixture(scope="module")
def manifest(bundle_path: Path) -> Manifest:
    return decode_manifest((bundle_path / MANIFEST_FILE).read_bytes(), "manifest.json")


def snapshot(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_writing_again_changes_nothing(tmp_path: Path, manifest: Manifest) -> None:
    """A second write of the same bundle gives the same directory."""
    first = write_bundle(tmp_path / "bundle", manifest, {"a": b"1"})
    before = snapshot(tmp_path)
    assert write_bundle(tmp_path / "bundle", manifest, {"a": b"1"}) == first
    assert snapshot(tmp_path) == before


def test_a_damaged_bundle_is_mended_by_writing_it_again(tmp_path: Path, manifest: Manifest) -> None:
    """A second write repairs a damaged bundle, as the refusal says."""
    directory = write_bundle(tmp_path / "bundle", manifest, {"a": b"1"})
    (directory / "a").write_bytes(b"damaged")
    (directory / "extra").write_bytes(b"")
    write_bundle(tmp_path / "bundle", manifest, {"a": b"1"})
    assert (tmp_path / "bundle" / "a").read_bytes() == b"1"
    assert not (tmp_path / "bundle" / "extra").exists()


def test_the_previous_bundle_stays_and_older_ones_go(tmp_path: Path, manifest: Manifest) -> None:
    """A write keeps the previous bundle for its readers and removes older ones."""
    written = [
        write_bundle(tmp_path / "bundle", msgspec.structs.replace(manifest, bundle_version=str(n)), {})
        for n in range(3)
    ]
    assert not written[0].exists()
    assert written[1].exists()
    assert (tmp_path / "bundle").resolve() == written[2]


def test_a_directory_of_somebody_else_is_not_touched(tmp_path: Path, manifest: Manifest) -> None:
    """A write replaces only a directory that this command made."""
    (tmp_path / "photos").mkdir()
    with pytest.raises(Refusal, match="not a bundle made by this command"):
        write_bundle(tmp_path / "photos", manifest, {})


def test_a_fault_at_any_operation_leaves_the_previous_bundle(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of any file operation leaves a whole bundle to readers."""
    out = tmp_path / "bundle"
    write_bundle(out, manifest, {"a": b"old"})
    newer = msgspec.structs.replace(manifest, bundle_version="newer")
    for failing in range(1, 50):
        with monkeypatch.context() as patch:
            remaining = fail_nth_write(patch, failing)
            try:
                write_bundle(out, newer, {"a": b"new"})
            except Refusal as refusal:
                told = str(refusal)
                assert "No space left on device" in told  # at some N nothing is raised
                assert (out / "a").read_bytes() in (b"old", b"new")
                assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]
            if remaining():
                break
    else:
        pytest.fail("the fault was injected at every operation tried")
    assert failing > 5
    assert (out / "a").read_bytes() == b"new"
