"""A store in Google Cloud Storage. Importing this module imports google-cloud-storage, which takes a moment.

The client's own retries are off. Only bundle/deadline.py retries, within its one deadline.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, NoReturn

import requests
import urllib3
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.cloud import storage

from bundle.login import CREDENTIAL_ERRORS, LOG_IN, login_refusal, no_credentials
from bundle.refusal import BundleRefusal, Reason
from bundle.stores.directory import conflict, moved
from bundle.stores.sockets import CuttableAdapter
from bundle.stores.store import ABSENT, CLOUD_SCHEME, Stored

# Otherwise the client asks for the bucket's metadata on another thread before nearly every request.
os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")

MAX_LISTED = 100_000
REASONS: dict[int, tuple[Reason, str]] = {
    HTTPStatus.UNAUTHORIZED: ("forbidden", LOG_IN),
    HTTPStatus.FORBIDDEN: (
        "forbidden",
        "give the account roles/storage.objectViewer, to publish, promote or remove roles/storage.objectUser",
    ),
    HTTPStatus.NOT_FOUND: ("missing", "look what there is: python -m bundle list STORE"),
    HTTPStatus.PRECONDITION_FAILED: ("conflict", "look what is there: python -m bundle list STORE"),
    HTTPStatus.TOO_MANY_REQUESTS: ("throttled", "try again later"),
}
LOOK = "look at the network and at the bucket's name"


class _Enough(Exception):
    """The server sent more bytes than were asked for."""


class _Sink(bytearray):
    """Takes at most `limit` + 1 bytes, and then ends the download."""

    limit = 0

    def write(self, data: bytes) -> int:
        self += data[: self.limit + 1 - len(self)]
        if len(self) > self.limit:
            raise _Enough
        return len(data)


class CloudStore:
    """Objects are created only if there is none of that name. Channels move by compare-and-swap of their generation."""

    def __init__(self, place: str) -> None:
        """Raise BundleRefusal if the address is invalid, or if there are no credentials."""
        bucket, _, prefix = place.removeprefix(CLOUD_SCHEME).partition("/")
        if not bucket:
            raise BundleRefusal("usage", f"{place}: expected gs://BUCKET/PREFIX")
        self.place = place
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        try:
            self._client = storage.Client()
        except CREDENTIAL_ERRORS as error:
            raise no_credentials(place, error) from error
        self._adapter = CuttableAdapter()
        for scheme in ("http://", "https://"):
            self._client._http.mount(scheme, self._adapter)
        self._bucket = self._client.bucket(bucket)

    def read(self, name: str, limit: int, seconds: float, unless: str = ABSENT) -> Stored | None:
        """Read as Store says, in one request."""
        blob = self._bucket.blob(f"{self._prefix}{name}")
        sink = _Sink()
        sink.limit = limit
        generation = int(unless) if unless else None
        with self._translated_errors(name):
            try:
                # SHA-256 is our checksum. Raw: the client unpacks nothing, which could become larger than the limit.
                blob.download_to_file(
                    sink,
                    raw_download=True,
                    if_generation_not_match=generation,
                    checksum=None,
                    timeout=seconds,
                    retry=None,
                )
            except _Enough:
                return Stored(bytes(sink), ABSENT)
            except api.NotModified:
                return None
        if blob.generation is None:
            raise BundleRefusal("failing", f"{self._name(name)}: the answer names no generation; is this the cloud's?")
        return Stored(bytes(sink), str(blob.generation))

    def create(self, name: str, data: bytes, seconds: float) -> None:
        """Create as Store says. After a lost answer it finds its own bytes."""
        try:
            self._write(name, data, 0, seconds)
        except BundleRefusal as refusal:
            if refusal.reason != "conflict":
                raise
            there = self.read(name, len(data), seconds)
            if there is None or there.data != data:
                raise conflict(self._name(name)) from None

    def swap(self, name: str, data: bytes, generation: str, seconds: float) -> None:
        """Swap as Store says."""
        try:
            self._write(name, data, int(generation or 0), seconds)
        except BundleRefusal as refusal:
            raise moved(self._name(name)) if refusal.reason == "conflict" else refusal from None

    def _write(self, name: str, data: bytes, generation: int, seconds: float) -> None:
        blob = self._bucket.blob(f"{self._prefix}{name}")
        blob.cache_control = "no-store"  # otherwise caches serve a public object for an hour
        with self._translated_errors(name):
            blob.upload_from_string(
                data,
                content_type="application/octet-stream",
                if_generation_match=generation,
                timeout=seconds,
                checksum="crc32c",
                retry=None,
            )

    def names(self, prefix: str, seconds: float) -> list[str]:
        """List as Store says."""
        with self._translated_errors(prefix):
            blobs = self._client.list_blobs(
                self._bucket, prefix=f"{self._prefix}{prefix}", timeout=seconds, retry=None, max_results=MAX_LISTED
            )
            return sorted(blob.name.removeprefix(self._prefix) for blob in blobs)

    def remove(self, name: str, generation: str, seconds: float) -> None:
        """Remove as Store says."""
        blob = self._bucket.blob(f"{self._prefix}{name}")
        try:
            with self._translated_errors(name):
                blob.delete(if_generation_match=int(generation) if generation else None, timeout=seconds, retry=None)
        except BundleRefusal as refusal:
            if refusal.reason == "conflict":
                raise moved(self._name(name)) from None
            if refusal.reason != "missing":
                raise

    def leftovers(self, age: float, seconds: float) -> list[str]:  # noqa: ARG002
        """Return no names: an upload that was not finished leaves no object."""
        return []

    def abort(self) -> None:
        """Cut all connections."""
        self._adapter.cut()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
        self._adapter.release()

    def _name(self, name: str) -> str:
        return f"{self.place.rstrip('/')}/{name}"

    @contextmanager
    def _translated_errors(self, name: str) -> Iterator[None]:
        """Raise the client's errors as BundleRefusal, with the reason that fits."""
        try:
            yield
        except api.GoogleAPICallError as error:
            self._refuse(name, error)
        except auth.GoogleAuthError as error:
            raise login_refusal(self._name(name), error, LOOK) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, EOFError) as error:
            raise self._unreachable(name, error) from error
        except ValueError as error:  # for example an answer that is not JSON
            raise BundleRefusal("failing", f"{self._name(name)}: not the cloud's answer ({error}); {LOOK}") from error

    def _refuse(self, name: str, error: Any) -> NoReturn:
        reason, fix = REASONS.get(error.code, ("failing", "try again later"))
        raise BundleRefusal(reason, f"{self._name(name)}: {error.code} {_reason(error)}; {fix}") from error

    def _unreachable(self, name: str, error: Exception) -> BundleRefusal:
        """Return the refusal for a connection that was never made, or that ended before the answer did."""
        refused = error.args and isinstance(error.args[0], urllib3.exceptions.MaxRetryError)
        timed_out = isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError)
        if refused or timed_out or isinstance(error, requests.exceptions.SSLError):
            return BundleRefusal("unreachable", f"{self._name(name)}: no answer ({_short(error)}); {LOOK}")
        return BundleRefusal("cut", f"{self._name(name)}: the connection ended half-way ({_short(error)}); try again")


def _reason(error: Any) -> str:
    """Return what the cloud says, which may name the missing permission."""
    try:
        return str(error.response.json()["error"]["message"])[:300]
    except (AttributeError, ValueError, LookupError, TypeError):
        return str(error.__class__.__name__)


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
