"""The files of an image's own layers: those that our Dockerfile adds to its base."""

import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from contract.refusal import Refusal

FIRST_OF_OURS = "WORKDIR /service"  # the Dockerfile's first instruction after its base


class LayerFile(NamedTuple):
    """A file, directory or link of a layer. A path that ends in `.wh.NAME` removes NAME of a layer below."""

    path: str
    kind: str  # file, directory, link
    mode: str  # octal
    owner: str  # UID:GID
    size: int  # bytes
    sha256: str  # of the content; for a link, where it points


class Layer(NamedTuple):
    """A layer: the instruction that made it, and its files."""

    instruction: str
    files: tuple[LayerFile, ...]

    @property
    def size(self) -> int:
        """Return the bytes of all its files, as `docker history` counts them."""
        return sum(file.size for file in self.files)


class Ours(NamedTuple):
    """What an image has above its base: the layers, lowest first, and the text of each RECORD of pip's by its path."""

    layers: list[Layer]
    records: dict[str, str]


def own_layers(docker: str, image: str) -> Ours:
    """Return what is above the base. Raises Refusal if there is no such image, or it is not ours."""
    with tempfile.TemporaryDirectory(prefix="image-") as directory:
        archive = Path(directory) / "image.tar"
        try:
            subprocess.run([docker, "save", "-o", str(archive), image], check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", None) or str(error)
            raise Refusal(f"expected an image {image!r}, found: {said.strip()}; type: make image") from error
        with tarfile.open(archive) as saved:
            return read_layers(saved, image)


def read_layers(saved: tarfile.TarFile, image: str) -> Ours:
    """Return our layers from the archive that `docker save` writes. Raises Refusal if it is not of our Dockerfile."""
    (listed,) = _document(saved, "manifest.json")
    history = _document(saved, listed["Config"])["history"]
    ours = next((number for number, each in enumerate(history) if FIRST_OF_OURS in each.get("created_by", "")), None)
    if ours is None:
        raise Refusal(f"expected an image of our Dockerfile, found {image!r} without {FIRST_OF_OURS!r}; make image")
    base = sum(not each.get("empty_layer") for each in history[:ours])
    made = [each["created_by"] for each in history[ours:] if not each.get("empty_layer")]
    found = Ours([], {})
    for instruction, name in zip(made, listed["Layers"][base:], strict=True):
        content = saved.extractfile(name)
        assert content is not None
        with tarfile.open(fileobj=content) as layer:  # also if it is compressed
            members = layer.getmembers()
            found.layers.append(Layer(instruction, tuple(sorted(_described(layer, member) for member in members))))
            found.records.update(
                {member.name: _content(layer, member).decode() for member in members if member.name.endswith("/RECORD")}
            )
    return found


def _document(saved: tarfile.TarFile, name: str) -> Any:
    return json.loads(_content(saved, name))


def _content(archive: tarfile.TarFile, member: str | tarfile.TarInfo) -> bytes:
    content = archive.extractfile(member)
    assert content is not None
    return content.read()


def _described(layer: tarfile.TarFile, member: tarfile.TarInfo) -> LayerFile:
    kind = "directory" if member.isdir() else "file" if member.isfile() else "link"
    content = _content(layer, member) if kind == "file" else member.linkname.encode()  # empty for a directory
    digest = hashlib.sha256(content).hexdigest()
    return LayerFile(member.name, kind, f"{member.mode & 0o7777:o}", f"{member.uid}:{member.gid}", member.size, digest)
