"""Reading an image's layers, from an archive as `docker save` writes it, and counting its packages."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from benchmarks.image.__main__ import package_table
from benchmarks.image.layers import read_layers
from benchmarks.image.packages import REASONS, owners, reason, sizes
from benchmarks.image.start import stages
from contract.refusal import Refusal

RECORD = "service/packages/uvloop-1.dist-info/RECORD"
FILES = {
    "service/packages/uvloop/loop.py": b"x" * 2_000_000,
    "service/packages/uvloop/__pycache__/loop.cpython-313.pyc": b"x" * 1_000_000,
    RECORD: b"uvloop/loop.py,sha256=x,1\nuvloop-1.dist-info/RECORD,,\n",
}


def tar(files: dict[str, bytes]) -> bytes:
    """Return an archive of these files, all with mode 600."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o600
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def saved(directory: Path, first: str, files: dict[str, bytes]) -> Path:
    """Save an image: a base of one layer, an instruction without a layer, `first`, and a layer of files."""
    history = [{"created_by": "RUN base"}, {"created_by": "CMD", "empty_layer": True}]
    history += [{"created_by": first}, {"created_by": "COPY all"}]
    manifest = [{"Config": "c.json", "Layers": ["base.tar", "first.tar", "files.tar"]}]
    content = {"manifest.json": json.dumps(manifest).encode(), "c.json": json.dumps({"history": history}).encode()}
    layers = {"base.tar": tar({"etc/base": b"not ours"}), "first.tar": tar({}), "files.tar": tar(files)}
    (directory / "image.tar").write_bytes(tar({**content, **layers}))
    return directory / "image.tar"


def test_only_our_layers_are_read(tmp_path: Path) -> None:
    """The layers from our first instruction on are ours; their files have mode, owner, size and digest."""
    with tarfile.open(saved(tmp_path, "WORKDIR /service", {"service/a": b"abc"})) as archive:
        (empty, full), records = read_layers(archive, "x")
    assert (empty.files, records) == ((), {})
    (file,) = full.files
    assert file[:5] == ("service/a", "file", "600", "0:0", 3)
    assert file.sha256.startswith("ba7816bf")


def test_another_image_is_refused(tmp_path: Path) -> None:
    """An image of another Dockerfile is refused."""
    with tarfile.open(saved(tmp_path, "WORKDIR /app", {})) as archive, pytest.raises(Refusal, match="make image"):
        read_layers(archive, "x")


def test_a_package_is_counted_with_what_was_compiled(tmp_path: Path) -> None:
    """A package has the bytes of its files and of what Python compiled of them, and a reason if it is large."""
    with tarfile.open(saved(tmp_path, "WORKDIR /service", FILES)) as archive:
        layers, records = read_layers(archive, "x")
    counted = sizes(layers[1].files, owners(records))
    assert counted == {"uvloop": sum(map(len, FILES.values()))}
    assert f"| uvloop | 3.00 | {REASONS['uvloop']} |" in package_table(counted)


def test_what_nobody_has_explained_is_refused(tmp_path: Path) -> None:
    """A large package without a reason is refused, and so is a file that no package has."""
    with pytest.raises(Refusal, match=r"tensorflow has more than 1 MB; say why"):
        reason("tensorflow")
    with tarfile.open(saved(tmp_path, "WORKDIR /service", {"service/packages/stray.py": b""})) as archive:
        layers, records = read_layers(archive, "x")
    with pytest.raises(Refusal, match=r"found service/packages/stray\.py in none"):
        sizes(layers[1].files, owners(records))


def test_a_start_is_divided_into_its_stages() -> None:
    """A start has the engine's part, the service's and the first answer's; a log without the line is refused."""
    lines = ["text", '{"message": "bundle: serves 1 from /x", "time": "1970-01-01T00:00:03.500000+00:00"}']
    assert stages(1.0, "1970-01-01T00:00:02.250000123Z", lines, 4.0) == (1.25, 1.25, 0.5)
    with pytest.raises(Refusal, match="found \\['text'\\]"):
        stages(1.0, "1970-01-01T00:00:02.250000123Z", lines[:1], 4.0)
