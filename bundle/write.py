"""Writing a bundle completely or not at all. The previous bundle stays untouched until the new one is complete.

`DIR` is a symbolic link to `DIR@<start of the manifest's SHA-256>`. One rename moves the link, so a reader sees the old
bundle or the new one.
"""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from contract.files import sync_directory, write_durably
from contract.manifest import MANIFEST_FILE, Digest, Manifest, encode
from contract.refusal import Refusal


def check_destination(out: Path) -> None:
    """Create the parent directory of `out`. Raises Refusal if a bundle cannot be written there."""
    if out.exists() and not out.is_symlink():
        raise Refusal(f"{out} exists and is not a bundle made by this command; remove it or choose another --out")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(f"cannot write the bundle {out}: {error.strerror}; choose another --out") from error


def write_bundle(out: Path, manifest: Manifest, files: dict[str, bytes]) -> Path:
    """Write the manifest and `files`, all files that it lists, and point `out` at them. Return the directory.

    Raises Refusal if the file system fails. Then nothing is left behind.
    """
    return write_encoded(out, encode(manifest), files)


def write_encoded(out: Path, encoded: bytes, files: dict[str, bytes]) -> Path:
    """Write a bundle with the exact bytes of a manifest, for signatures among `files` that cover these bytes.

    Return the directory. Raises Refusal if the file system fails.
    """
    check_destination(out)
    target = out.with_name(f"{out.name}@{Digest.of(encoded).sha256[:16]}")
    try:
        write_directory(target, {**files, MANIFEST_FILE: encoded})
        previous = Path(os.path.realpath(out))
        _point(out, target)
    except OSError as error:
        raise Refusal(f"cannot write the bundle {out}: {error.strerror}; free some space or choose --out") from error
    _remove_older(out, keep={target.name, previous.name})
    return target


def write_directory(target: Path, contents: dict[str, bytes]) -> None:
    """Write a directory of exactly these files. It appears complete. A damaged one is replaced. Raises OSError."""
    if not (holds(target, contents) and set(os.listdir(target)) == set(contents)):
        _write_directory(target, contents)


def holds(directory: Path, contents: dict[str, bytes]) -> bool:
    """Return whether the directory has these files, whatever else it has."""
    try:
        return all((directory / name).read_bytes() == data for name, data in contents.items())
    except OSError:
        return False


def _write_directory(target: Path, contents: dict[str, bytes]) -> None:
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        temporary.chmod(0o755)
        for name, data in contents.items():
            write_durably(temporary / name, data)
        sync_directory(temporary)
        if target.exists():  # a damaged bundle of the same name
            shutil.rmtree(target)
        temporary.rename(target)
        sync_directory(target.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _point(link: Path, target: Path) -> None:
    temporary = link.with_name(f".{link.name}.{os.getpid()}.tmp")
    try:
        temporary.symlink_to(target.name)
        temporary.replace(link)
        sync_directory(link.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _remove_older(out: Path, keep: set[str]) -> None:
    """Remove older bundles, except the previous one: a service may be reading it now."""
    for path in out.parent.glob(f"{out.name}@*"):
        if path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)
