import gc
import os
import struct
import sys
from pathlib import Path

import pytest

from binding.library import Library
from contract.manifest import MANIFEST_FILE, decode_manifest
from contract.refusal import Refusal
from score.bundle import Bundle
from tests.support.processes import opened_by


@pytest.fixture(scope="module")
def image(bundle_path: Path) -> bytes:
    manifest = decode_manifest((bundle_path / MANIFEST_FILE).read_bytes(), "manifest.json")
    (target,) = manifest.platforms.values()
    return (bundle_path / target.library).read_bytes()


def test_two_libraries_do_not_share_buffers(image: bytes) -> None:
    """Two libraries of the same code answer from their own buffers."""
    first, second = Library(image), Library(image)
    one = first.predict((39.1, 18.7, 181, 3750))
    second.predict((50, 15, 220, 5000))
    assert first.predict((39.1, 18.7, 181, 3750)) == one
    assert first.margins != second.margins


def test_what_is_no_library_is_refused() -> None:
    """Bytes that are no library are refused with a message that says what to do."""
    with pytest.raises(Refusal, match=r"cannot load the model library.*compile its model on this machine"):
        Library(b"not a library")


LINUX = pytest.mark.skipif(sys.platform != "linux", reason="other systems load from a private directory")


@LINUX
def test_the_mapped_bytes_cannot_be_changed(image: bytes) -> None:
    """Nobody can write, cut or grow the sealed copy that runs."""
    before = _memory_files()
    library = Library(image)
    (descriptor,) = _memory_files() - before
    with pytest.raises(PermissionError):
        os.ftruncate(descriptor, 0)
    with pytest.raises(PermissionError):
        os.write(descriptor, b"x")
    assert library.predict((39.1, 18.7, 181, 3750))[0] == 2


@LINUX
def test_a_library_is_unmapped_with_the_last_who_may_call_it(image: bytes) -> None:
    """The function for one row keeps the library mapped, and the last user unmaps it."""
    gc.collect()  # what earlier tests left in cycles
    before = _memory_files(), _mapped()
    library = Library(image, ("Gentoo", "Chinstrap", "Adelie"))
    predict = library.predict
    expected = predict((39.1, 18.7, 181, 3750))
    del library
    assert predict((39.1, 18.7, 181, 3750)) == expected
    assert (_memory_files(), _mapped()) != before
    del predict
    assert (_memory_files(), _mapped()) == before


@LINUX
def test_a_library_in_a_cycle_goes_with_the_cycle(image: bytes) -> None:
    """The garbage collector frees a library and its function in any order."""
    gc.collect()  # what earlier tests left in cycles
    before = _memory_files(), _mapped()
    for _ in range(3):
        library = Library(image)
        cycle = [library, library.predict]
        cycle.append(cycle)
        del library, cycle
        gc.collect()
        assert (_memory_files(), _mapped()) == before


@LINUX
def test_what_cannot_be_loaded_leaves_nothing_behind(image: bytes) -> None:
    """Bytes that cannot be loaded leave no mapping and no descriptor."""
    gc.collect()  # what earlier tests left in cycles
    before = _memory_files(), _mapped()
    for refused in (b"not a library", image.replace(b"python_predict", b"another_functi")):
        with pytest.raises(Refusal):
            Library(refused)
    assert (_memory_files(), _mapped()) == before


@LINUX
def test_a_descriptor_s_number_comes_again_and_the_library_is_the_new_one(image: bytes) -> None:
    """A reused descriptor number loads the new library, although the loader caches by path."""
    numbers = set()
    for _ in range(3):
        before = _memory_files()
        assert Library(image).predict((39.1, 18.7, 181, 3750))[0] == 2
        library = Library(image)
        numbers |= _memory_files() - before
        with pytest.raises(Refusal):
            Library(b"not a library")
        del library
    assert len(numbers) == 1


def _mapped() -> int:
    """Return how many pieces of libraries are mapped from memory files."""
    return Path("/proc/self/maps").read_text().count("memfd:libmodel")


def _memory_files() -> set[int]:
    """Return the descriptors of this process that are files in memory."""
    return {number for number, target in opened_by("self").items() if "memfd:" in target}


def test_measurements_are_rounded_to_float32(bundle: Bundle) -> None:
    """Measurements are rounded as numpy and XGBoost round them."""
    nearest = struct.unpack("f", struct.pack("f", 39.1))[0]
    assert nearest != 39.1
    exact = bundle.library.predict((nearest, 18.7, 181, 3750))
    assert bundle.library.predict((39.1, 18.7, 181, 3750)) == exact
