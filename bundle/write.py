"""Writing a bundle: all of it or nothing, the previous one untouched until the new one is whole.

`DIR` is a symbolic link to `DIR@<start of the manifest's SHA-256>`: one rename moves it, so a reader sees the old
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
    """Make the directory that `out` will stand in. Raises Refusal where a bundle cannot be written there."""
    if out.exists() and not out.is_symlink():
        raise Refusal(f"{out} exists and is not a bundle made by this command; remove it or choose another --out")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(f"cannot write the bundle {out}: {error.strerror}; choose another --out") from error


def write_bundle(out: Path, manifest: Manifest, files: dict[str, bytes]) -> Path:
    """Write `files`, all that the manifest lists, and the manifest; point `out` at them. Returns the directory.

    Raises Refusal where the file system refuses, with nothing left behind.
    """
    return write_encoded(out, encode(manifest), files)


def write_encoded(out: Path, encoded: bytes, files: dict[str, bytes]) -> Path:
    """The same for a manifest's exact bytes, which its signatures among `files` may be of."""
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
    """A directory of exactly these files, which appears whole; a damaged one is replaced. Raises OSError."""
    if not _holds(target, contents):
        _write_directory(target, contents)


def _holds(directory: Path, contents: dict[str, bytes]) -> bool:
    try:
        names = {path.name for path in directory.iterdir()}
        return names == set(contents) and all((directory / name).read_bytes() == contents[name] for name in names)
    except OSError:
        return False


def _write_directory(target: Path, contents: dict[str, bytes]) -> None:
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        temporary.chmod(0o755)
        for name, data in contents.items():
            write_durably(temporary / name, data)
        sync_directory(temporary)
        if target.exists():  # a damaged bundle of this very name
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
    """The previous bundle stays, for a service that is reading it now."""
    for path in out.parent.glob(f"{out.name}@*"):
        if path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)
