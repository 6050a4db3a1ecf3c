"""Signed releases of a bundle, each with a digest of its own, and what a wicked hand does to an archive."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from bundle.fetch import read_directory
from bundle.signing.private import SigningKey
from bundle.signing.signature import MANIFEST, sign, signature_file
from bundle.verify import IN_PLACE, Wanted
from bundle.write import write_bundle
from contract.manifest import encode


def release(bundle: Path, out: Path, label: str, key: SigningKey | None = None) -> Path:
    """Write the bundle under another label, so that it has another digest, signed if there is a key."""
    built = read_directory(bundle, IN_PLACE, Wanted(all_platforms=True))
    manifest = msgspec.structs.replace(built.manifest, bundle_version=label)
    signature = {signature_file(key.public): sign(key, MANIFEST, encode(manifest))} if key else {}
    return write_bundle(out, manifest, {**built.files, **signature})


def rewrite(archive: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Change the files in an archive, which stays a sound zip file."""
    with zipfile.ZipFile(archive) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    change(files)
    with zipfile.ZipFile(archive, "w") as opened:
        for name, data in files.items():
            opened.writestr(name, data)


def spoil_library(files: dict[str, bytes]) -> None:
    """Change the last byte of each library."""
    for name, data in files.items():
        if name.endswith(".so"):
            files[name] = data[:-1] + bytes([data[-1] ^ 1])


def drop_signatures(files: dict[str, bytes]) -> None:
    """Remove all signatures."""
    for name in [name for name in files if name.endswith(".sig")]:
        del files[name]
