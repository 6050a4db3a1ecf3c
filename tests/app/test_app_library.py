import os
import struct
import sys
from pathlib import Path

import pytest

from app.bundle import Bundle
from app.library import Library
from contract.manifest import MANIFEST_FILE, decode_manifest
from contract.refusal import Refusal


@pytest.fixture(scope="module")
def image(bundle_path: Path) -> bytes:
    manifest = decode_manifest((bundle_path / MANIFEST_FILE).read_bytes(), "manifest.json")
    (name,) = manifest.libraries.values()
    return (bundle_path / name).read_bytes()


def test_two_libraries_do_not_share_buffers(image: bytes) -> None:
    """Each answers for itself, though the code is mapped twice."""
    first, second = Library(image), Library(image)
    one = first.predict([39.1, 18.7, 181, 3750])
    second.predict([50, 15, 220, 5000])
    assert first.predict([39.1, 18.7, 181, 3750]) == one
    assert first.margins != second.margins


def test_what_is_no_library_is_refused() -> None:
    """With what to do."""
    with pytest.raises(Refusal, match=r"cannot load the model library.*make compile"):
        Library(b"not a library")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems load from a private directory")
def test_the_mapped_bytes_cannot_be_changed(image: bytes) -> None:
    """The copy that runs is sealed: nobody can write, cut or grow it."""
    before = _memory_files()
    library = Library(image)
    (descriptor,) = _memory_files() - before
    with pytest.raises(PermissionError):
        os.ftruncate(descriptor, 0)
    with pytest.raises(PermissionError):
        os.write(descriptor, b"x")
    library.close()
    library.close()
    assert library.predict([39.1, 18.7, 181, 3750]).label == 2


def _memory_files() -> set[int]:
    """The descriptors of this process that are files in memory."""
    directory = Path("/proc/self/fd")
    return {int(link.name) for link in directory.iterdir() if link.is_symlink() and "memfd:" in str(link.readlink())}


def test_measurements_are_rounded_to_float32(bundle: Bundle) -> None:
    """As numpy and XGBoost round them, so 39.1 is the float32 nearest to it."""
    nearest = struct.unpack("f", struct.pack("f", 39.1))[0]
    assert nearest != 39.1
    exact = bundle.library.predict([nearest, 18.7, 181, 3750])
    assert bundle.library.predict([39.1, 18.7, 181, 3750]) == exact
