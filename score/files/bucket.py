"""Files in Google Cloud Storage. Importing this module imports google-cloud-storage, which takes a moment.

An object is made by one upload that succeeds only where there is none. If an answer got lost, the upload is tried again
and finds its own object: then checksums are compared.
"""

import base64
import tempfile
from collections.abc import Callable
from typing import IO, Any, TypeVar

from bundle.deadline import Deadline, retried
from bundle.refusal import BundleRefusal
from bundle.stores.cloud import CloudStore
from bundle.stores.store import CLOUD_SCHEME
from score.files.job import Failed, Write

TRANSFER_SECONDS = 600.0  # for one file, all attempts together
ANSWER_SECONDS = 60.0  # for anything small
CHUNK_BYTES = 8 << 20  # of an input that are held at once
MAX_SMALL_BYTES = 1 << 28
Result = TypeVar("Result")


class _Objects(CloudStore):
    """A store with what large files need besides. Raises BundleRefusal."""

    def blobs(self, prefix: str, seconds: float) -> list[Any]:
        """Return the objects whose names begin with `prefix`."""
        with self._translated_errors(prefix):
            found = self._client.list_blobs(self._bucket, prefix=f"{self._prefix}{prefix}", timeout=seconds, retry=None)
            return [*found]

    def below(self, blob: Any) -> str:
        """Return the name of an object below the place."""
        name: str = blob.name.removeprefix(self._prefix)
        return name

    def upload(self, name: str, file: IO[bytes], seconds: float) -> None:
        """Make an object of a file's bytes, if there is none of that name."""
        size = file.seek(0, 2)
        blob = self._bucket.blob(f"{self._prefix}{name}")
        with self._translated_errors(name):
            blob.upload_from_file(
                *(file, True, size, "application/octet-stream"),
                if_generation_match=0,
                timeout=seconds,
                checksum="crc32c",
                retry=None,
            )

    def checksum(self, name: str, seconds: float) -> str:
        """Return the checksum of an object, or an empty string if it is gone."""
        with self._translated_errors(name):
            blob = self._bucket.get_blob(f"{self._prefix}{name}", timeout=seconds, retry=None)
        return str(blob.crc32c) if blob else ""

    def opened(self, name: str, generation: int, seconds: float) -> IO[bytes]:
        """Return one generation of an object as a file, of which a chunk is held in memory."""
        blob = self._bucket.blob(f"{self._prefix}{name}", generation=generation)
        with self._translated_errors(name):
            blob.reload(timeout=seconds, retry=None)
            file: IO[bytes] = blob.open("rb", chunk_size=CHUNK_BYTES)
        return file


class BucketPlace:
    """Outputs in a bucket. Temporary files are where TMPDIR says."""

    def __init__(self, place: str) -> None:
        self._objects = _Objects(place)
        self._place = place.rstrip("/")

    def names(self) -> set[str]:
        """Return the names of all objects. Raises Failed."""
        return {self._objects.below(blob) for blob in _done(lambda seconds: self._objects.blobs("", seconds))}

    def read(self, name: str) -> bytes:
        """Return a small object. Raises Failed."""
        stored = _done(lambda seconds: self._objects.read(name, MAX_SMALL_BYTES, seconds))
        assert stored is not None
        return stored.data

    def create(self, name: str, write: Write) -> None:
        """Write as Place says: to a temporary file, which is then uploaded. Raises Failed."""
        try:
            with tempfile.TemporaryFile() as file:
                write(file)
                file.flush()
                self._upload(name, file)
        except OSError as error:
            what = error.strerror or error
            raise Failed(f"cannot write a temporary file: {what}; set TMPDIR to a place with more room") from error

    def _upload(self, name: str, file: IO[bytes]) -> None:
        try:
            retried(lambda seconds: self._objects.upload(name, file, seconds), Deadline(TRANSFER_SECONDS))
        except BundleRefusal as refusal:
            if refusal.reason != "conflict":
                raise Failed(str(refusal)) from refusal
            if _done(lambda seconds: self._objects.checksum(name, seconds)) != _crc32c(file):
                raise Failed(
                    f"{self._place}/{name} is there with other bytes, and is not overwritten; choose another --out"
                ) from None


class BucketSource:
    """An input in a bucket: one generation of it."""

    def __init__(self, path: str, state: str) -> None:
        """Open the generation in `state`. Raises Failed if it is gone."""
        bucket, _, name = path.removeprefix(CLOUD_SCHEME).partition("/")
        self._objects = _Objects(f"{CLOUD_SCHEME}{bucket}")
        self._found = state
        generation = int(state.rpartition(" ")[2])
        try:
            self.file: IO[bytes] = _done(lambda seconds: self._objects.opened(name, generation, seconds))
        except Failed as failed:
            self._objects.close()
            raise Failed(f"{failed}; it may have been replaced since the job began") from failed

    def state(self) -> str:
        """Return the generation that was read: it never changes."""
        return self._found

    def close(self) -> None:
        """Close the file and the connection."""
        self.file.close()
        self._objects.close()


def objects_of(path: str) -> list[tuple[str, int, str]]:
    """Return path, size and state of each object whose path begins with `path`. Raises Failed."""
    bucket, _, prefix = path.removeprefix(CLOUD_SCHEME).partition("/")
    objects = _Objects(f"{CLOUD_SCHEME}{bucket}")
    try:
        found = _done(lambda seconds: objects.blobs(prefix, seconds))
    finally:
        objects.close()
    return [
        (f"{CLOUD_SCHEME}{bucket}/{blob.name}", int(blob.size), f"{blob.size} bytes, generation {blob.generation}")
        for blob in found
    ]


def _done(attempt: Callable[[float], Result]) -> Result:
    try:
        return retried(attempt, Deadline(ANSWER_SECONDS))
    except BundleRefusal as refusal:
        raise Failed(str(refusal)) from refusal


def _crc32c(file: IO[bytes]) -> str:
    """Return the checksum of a file as the cloud writes it."""
    import google_crc32c

    checksum: Any = google_crc32c
    checksum = checksum.Checksum()
    file.seek(0)
    while piece := file.read(1 << 20):
        checksum.update(piece)
    return base64.b64encode(checksum.digest()).decode()
