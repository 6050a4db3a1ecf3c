from pathlib import Path
from typing import Any

import msgspec
import pytest

from contract.format_2 import INTERFACE
from contract.manifest import FORMAT_VERSION, MANIFEST_FILE, READABLE_FORMATS, Manifest, decode_manifest, encode
from contract.refusal import Refusal
from tests.support.bundles import make


def test_encoding_is_stable(bundle_path: Path) -> None:
    """A decoded manifest encodes to the same bytes."""
    data = (bundle_path / MANIFEST_FILE).read_bytes()
    assert encode(decode_manifest(data, "manifest.json")) == data


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "not a bundle manifest"),
        (b"{}", "not a bundle manifest"),
        (b'{"format_version": 2}', "not a bundle manifest"),
        (b'{"format_version": 3}', "not a bundle manifest"),
        (b'{"format_version": "3"}', "not a bundle manifest"),
        (b'{"format_version": 1}', "expected bundle format 2 or 3, found 1; compile its model with this version"),
        (b'{"format_version": 4}', "expected bundle format 2 or 3, found 4; compile its model with this version"),
        (b'{"format_version": 99}', "expected bundle format 2 or 3, found 99"),
        (b"\xff", "not a bundle manifest"),
        (b"[" * 100_000, "not a bundle manifest"),
    ],
)
def test_what_is_no_manifest_is_refused_by_name(data: bytes, found: str) -> None:
    """A faulty manifest is refused with file, fault and the command that repairs it."""
    with pytest.raises(Refusal, match=found) as refusal:
        decode_manifest(data, "some/manifest.json")
    assert "some/manifest.json" in str(refusal.value)
    assert "python -m compile MODEL" in str(refusal.value)


def manifest(directory: Path, **changes: Any) -> Manifest:
    """Return the manifest of a small bundle with other fields, written and read."""
    make(directory)
    found = decode_manifest((directory / MANIFEST_FILE).read_bytes(), "manifest.json")
    return decode_manifest(encode(msgspec.structs.replace(found, **changes)), "manifest.json")


def test_format_3_has_no_interface(tmp_path: Path) -> None:
    """A manifest of format 3 says nothing of inputs and classes. It is the format that is written."""
    assert FORMAT_VERSION == max(READABLE_FORMATS) == 3
    found = manifest(tmp_path)
    assert found.interface is None
    assert b"interface" not in encode(found)


def test_a_manifest_of_format_2_keeps_its_interface(tmp_path: Path) -> None:
    """A manifest of format 2 is read with its interface, and encodes to the bytes that were signed."""
    found = manifest(tmp_path, format_version=2, interface=INTERFACE)
    assert (found.format_version, found.interface) == (2, INTERFACE)
    assert decode_manifest(encode(found), "manifest.json") == found


def test_what_counts_as_missing_is_kept(tmp_path: Path) -> None:
    """The value that is missing, as NaN is, comes back; without one there is none."""
    assert manifest(tmp_path / "a", missing=-999.0).missing == -999.0
    assert manifest(tmp_path / "b").missing is None
