from pathlib import Path

import pytest

from contract.manifest import MANIFEST_FILE, decode_manifest, encode
from contract.refusal import Refusal


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
        (b'{"format_version": 1}', "expected bundle format 2, found 1"),
        (b'{"format_version": 99}', "expected bundle format 2, found 99"),
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
