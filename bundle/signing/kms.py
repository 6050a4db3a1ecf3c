"""A key that never leaves Google Cloud KMS: gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1

Two methods of its REST API, through google-auth and requests, which are locked already for stores in the cloud. The
client of Google's own (google-cloud-kms) would bring gRPC, protobuf and five packages more for these two requests.

Importing this module imports them, which takes a moment: nobody does who only verifies. CRC32Cs go both ways and are
compared, and the answer has to name the key that was asked, as Google asks for (cloud.google.com/kms/docs/
data-integrity-guidelines). The signature is also verified here before anybody gets it.
"""

import base64
import binascii
import os
import re
from http import HTTPStatus
from typing import Any

import google.auth
import google_crc32c
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.auth import exceptions as auth
from google.auth.transport.requests import AuthorizedSession

from bundle.deadline import Deadline, retried
from bundle.login import CREDENTIAL_ERRORS, LOG_IN, login_refusal, no_credentials
from bundle.refusal import BundleRefusal, Reason
from bundle.signing.keys import KMS_SCHEME, TrustedKey

ENDPOINT = "https://cloudkms.googleapis.com"
ENDPOINT_VARIABLE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS"  # gcloud's own variable, such as for a private endpoint
SCOPE = "https://www.googleapis.com/auth/cloudkms"
KEY_ALGORITHM = "EC_SIGN_ED25519"
MAX_DATA_BYTES = 64 * 1024  # the most that KMS signs in one request
SECONDS = 30.0  # seconds for one request and its repetitions
NAME = re.compile(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+/cryptoKeyVersions/[0-9]+")
LOCAL = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?")
CREATE = (
    "make one: gcloud kms keys create KEY --purpose=asymmetric-signing --default-algorithm=ec-sign-ed25519 "
    "--keyring=RING --location=PLACE"
)
REASONS: dict[int, tuple[Reason, str]] = {
    HTTPStatus.UNAUTHORIZED: ("credentials", LOG_IN),
    HTTPStatus.FORBIDDEN: ("forbidden", "give the account roles/cloudkms.signerVerifier on the key"),
    HTTPStatus.NOT_FOUND: ("missing", "look which there are: gcloud kms keys versions list"),
    HTTPStatus.TOO_MANY_REQUESTS: ("throttled", "try again later"),
}


class CloudKey:
    """One version of a key. `public` is read once, when the object is made."""

    def __init__(self, address: str) -> None:
        """Raise BundleRefusal if there is no such key, or if it is no Ed25519 key."""
        self._name = address.removeprefix(KMS_SCHEME)
        if not NAME.fullmatch(self._name):
            raise BundleRefusal(
                "key",
                f"{address}: expected {KMS_SCHEME}projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1",
            )
        endpoint = os.environ.get(ENDPOINT_VARIABLE, "").rstrip("/") or ENDPOINT
        if not endpoint.startswith("https://") and not LOCAL.fullmatch(endpoint):
            raise BundleRefusal("key", f"{ENDPOINT_VARIABLE}={endpoint}: expected https://HOST; a token would go there")
        self._url = f"{endpoint}/v1/{self._name}"
        try:
            credentials, _ = google.auth.default(scopes=[SCOPE])
        except CREDENTIAL_ERRORS as error:
            raise no_credentials(address, error) from error
        session: Any = AuthorizedSession  # the class has no types
        self._session = session(credentials)
        self._public = retried(self._read_public, Deadline(SECONDS))

    @property
    def public(self) -> TrustedKey:
        """Return the key that verifies its signatures."""
        return self._public

    def sign(self, data: bytes) -> bytes:
        """Sign as Signer says. Raises BundleRefusal."""
        if len(data) > MAX_DATA_BYTES:
            raise BundleRefusal(
                "key",
                f"{self._name}: expected at most {MAX_DATA_BYTES:,} bytes to sign, found {len(data):,}; sign with a "
                "key in a file: python -m bundle keygen",
            )
        body = {"data": base64.b64encode(data).decode(), "dataCrc32c": str(google_crc32c.value(data))}
        return retried(lambda seconds: self._sign(body, data, seconds), Deadline(SECONDS))

    def _sign(self, body: dict[str, str], data: bytes, seconds: float) -> bytes:
        answer = self._ask("POST", ":asymmetricSign", seconds, body)
        try:
            signature = base64.b64decode(str(answer.get("signature")), validate=True)
        except binascii.Error:
            signature = b""
        if answer.get("verifiedDataCrc32c") is not True:
            raise self._damaged("what was sent to be signed")
        if answer.get("signatureCrc32c") != str(google_crc32c.value(signature)):
            raise self._damaged("the signature")
        if not self._public.verifies(signature, data):
            raise self._damaged("the signature, which does not verify,")
        return signature

    def _read_public(self, seconds: float) -> TrustedKey:
        answer = self._ask("GET", "/publicKey", seconds)
        pem = str(answer.get("pem")).encode()
        if answer.get("pemCrc32c") != str(google_crc32c.value(pem)):
            raise self._damaged("the public key")
        if answer.get("algorithm") != KEY_ALGORITHM:
            raise BundleRefusal(
                "key", f"{self._name}: expected a key for {KEY_ALGORITHM}, found {answer.get('algorithm')}; {CREATE}"
            )
        try:
            public = load_pem_public_key(pem)
        except ValueError as error:
            raise BundleRefusal("key", f"{self._name}: its public key cannot be read ({error}); {CREATE}") from error
        if not isinstance(public, Ed25519PublicKey):
            raise BundleRefusal("key", f"{self._name}: expected an Ed25519 key; {CREATE}")
        return TrustedKey(public.public_bytes_raw())

    def _damaged(self, what: str) -> BundleRefusal:
        """Return the refusal of an answer with a wrong checksum. Google advises to discard it and ask again."""
        return BundleRefusal("failing", f"{self._name}: {what} was damaged on the way; try again")

    def _ask(self, method: str, action: str, seconds: float, body: dict[str, str] | None = None) -> dict[str, Any]:
        """Send one request and return its answer, which is about this key. Raises BundleRefusal."""
        try:
            response = self._session.request(
                method,
                f"{self._url}{action}",
                json=body,
                timeout=seconds,
                max_allowed_time=seconds,
                allow_redirects=False,
            )
            answer = response.json()
        except auth.GoogleAuthError as error:
            raise login_refusal(self._name, error, "try again") from error
        except requests.exceptions.JSONDecodeError as error:
            raise BundleRefusal("failing", f"{self._name}: not KMS's answer ({error}); try again") from error
        except (requests.RequestException, OSError) as error:
            raise BundleRefusal(
                "unreachable", f"{self._name}: no answer ({type(error).__name__}); try again"
            ) from error
        if response.status_code != HTTPStatus.OK:
            raise self._refused(response.status_code, answer)
        if not isinstance(answer, dict) or answer.get("name") != self._name:
            raise BundleRefusal("failing", f"{self._name}: the answer is about another key; try again")
        return answer

    def _refused(self, status: int, answer: Any) -> BundleRefusal:
        try:
            why = str(answer["error"]["message"])[:300]
        except (KeyError, TypeError):
            why = "no reason is given"
        others: tuple[Reason, str] = ("failing", "try again later")
        if status == HTTPStatus.BAD_REQUEST:
            others = ("key", "look at its version: gcloud kms keys versions describe")
        reason, fix = REASONS.get(status, others)
        return BundleRefusal(reason, f"{self._name}: {status} {why}; {fix}")
