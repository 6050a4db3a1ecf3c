"""A bundle as one file, which Spark carries to the executors. Its bytes are verified again where they are read."""

import zipfile
import zlib
from pathlib import Path

from bundle.refusal import BundleRefusal
from bundle.signing.keys import trusted_keys
from bundle.verify import Origin, Trust, VerifiedBundle, verify
from contract.manifest import MANIFEST_FILE

FIX = "start the job again: the driver sends the bundle anew"
MADE = (1980, 1, 1, 0, 0, 0)  # the same bundle gives the same bytes
UNREADABLE = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    zlib.error,
)  # what a damaged archive raises


def archive_name(digest: str) -> str:
    """Return the name of the archive of the bundle of this digest."""
    return f"model-{digest}.zip"


def write_archive(path: Path, bundle: VerifiedBundle) -> None:
    """Write a bundle's verified files, signatures included. Raises OSError."""
    with zipfile.ZipFile(path, "x") as archive:
        for name, data in {MANIFEST_FILE: bundle.encoded, **bundle.contents}.items():
            archive.writestr(zipfile.ZipInfo(name, MADE), data)


def read_archive(path: Path, digest: str, keys: str, required: bool) -> VerifiedBundle:
    """Read and verify the bundle of this digest. Raises BundleRefusal.

    `keys` are public keys as TRUSTED_KEYS has them. If a signature is not `required`, none is fine, a wrong one is not.
    """
    origin = Origin(str(path), FIX)
    try:
        with zipfile.ZipFile(path) as archive:

            def read(name: str, limit: int) -> bytes:
                try:
                    with archive.open(name) as file:
                        return file.read(limit + 1)
                except KeyError as error:
                    raise BundleRefusal("missing", f"{path}: expected {name} in it, found none; {FIX}") from error

            return verify(read, origin, Trust(trusted_keys(keys), required), digest)
    except UNREADABLE as error:
        raise BundleRefusal("format", f"{path}: expected a bundle in a zip file, found {error}; {FIX}") from error
    except OSError as error:
        raise BundleRefusal("missing", f"cannot read {path}: {error.strerror}; {FIX}") from error
