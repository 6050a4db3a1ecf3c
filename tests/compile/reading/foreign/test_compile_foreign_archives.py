"""Archives, told by the names in them."""

import gzip
import io
import shutil
import zipfile
from pathlib import Path

import pytest

from compile.reading.foreign.sample import HEAD
from tests.compile.reading.foreign.files import told


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return file.getvalue()


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (["model.ini", "domains/d000.txt", "trees/t00_000.bin"], "a MOJO of H2O; this service"),  # as H2O 3 writes it
        (["model.ini", "boosterBytes"], "a MOJO of H2O with a model of XGBoost in it"),
        (["metadata.json", "config.json", "model.weights.h5"], "a model of Keras"),
        (["archive/data.pkl", "archive/version"], "a file of PyTorch"),
        (["0f.bin", "schema.json"], "a file of skops"),
        (["x.npy", "y.npy"], "arrays of NumPy"),
        (["META-INF/MANIFEST.MF", "a.class"], "a Java archive"),
        (["[Content_Types].xml"], "a document of an office program"),
        (["a/readme.txt", "a/model.ubj"], "a ZIP archive (a/readme.txt, a/model.ubj); type: unzip"),
        (["\x1b[31m"], "a ZIP archive (?[31m); type: unzip model.bin and give the model that was in it"),
        ([], "a ZIP archive (no files)"),
    ],
)
def test_archives_are_told_by_the_names_in_them(names: list[str], what: str) -> None:
    """An archive is recognised by the names in it, although it is large or cut off."""
    assert told(zipped(*names)).startswith(what)
    if names:
        assert told(zipped(*(f"other/{i}" for i in range(500)), *names)).startswith(what.partition(" (")[0])
        assert told(zipped(*names)[:-60]).startswith(what.partition(" (")[0])


def test_a_name_at_the_end_of_a_large_archive_is_found() -> None:
    """A name at the end of a large archive is found in its directory."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("large", bytes(3 * HEAD))
        archive.writestr("model.ini", b"content")
    assert told(file.getvalue()).startswith("a MOJO of H2O")


def test_a_tar_archive_is_told(tmp_path: Path) -> None:
    """A tar archive is recognised, compressed or not."""
    path = Path(shutil.make_archive(str(tmp_path / "model"), "tar", tmp_path))
    assert told(path.read_bytes()).startswith("a tar archive; type: tar -xf model.bin")
    assert "in it is a tar archive" in told(gzip.compress(path.read_bytes()))
