"""Google Cloud KMS as its REST reference describes it: two methods, over real sockets. Each rule names its source.

A  docs.cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys.cryptoKeyVersions/
   asymmetricSign
P  .../getPublicKey, beside A
D  cloud.google.com/kms/docs/data-integrity-guidelines
S  cloud.google.com/kms/docs/algorithms: EC_SIGN_ED25519 is pure EdDSA, it takes data and no digest
J  protobuf.dev/programming-guides/json: int64 is a string, a false or empty field is left out, bytes are base64
O  developers.google.com/identity/protocols/oauth2/service-account: a signed JWT for a bearer token
"""

import base64
import binascii
import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import google_crc32c
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.fakes import Handler, running

NAME = "projects/penguins/locations/europe-west6/keyRings/release/cryptoKeys/bundles/cryptoKeyVersions/1"
TOKEN = "a-token-of-the-fake"  # noqa: S105  # no secret
MAX_DATA_BYTES = 65_536  # what Google's own client sends at most: tink-cc-gcpkms, gcp_kms_public_key_sign.cc
SCOPES = {"https://www.googleapis.com/auth/cloudkms", "https://www.googleapis.com/auth/cloud-platform"}  # A, P

Change = Callable[[dict[str, Any]], object]


class Kms:
    """The state. `change` may alter an answer before it goes; `statuses` are told first, one a request."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.account = rsa.generate_private_key(65537, 2048)
        self.algorithm = "EC_SIGN_ED25519"
        self.state = "ENABLED"
        self.change: Change = lambda _: None
        self.statuses: list[int] = []
        self.requests: list[str] = []
        self.mistakes: list[str] = []  # what the client did that the reference does not allow
        self.port = 0

    @property
    def address(self) -> str:
        return f"gcpkms://{NAME}"

    def environment(self, directory: Path) -> dict[str, str]:
        """Return the environment that leads a client here, with a service account's credentials."""
        pem = self.account.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        account = {
            "type": "service_account",
            "project_id": "penguins",
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": "signer@penguins.iam.gserviceaccount.com",
            "token_uri": f"http://127.0.0.1:{self.port}/token",
        }
        path = directory / "account.json"
        path.write_text(json.dumps(account))
        return {
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS": f"http://127.0.0.1:{self.port}/",
            "GOOGLE_APPLICATION_CREDENTIALS": str(path),
        }


@contextlib.contextmanager
def running_kms() -> Iterator[Kms]:
    """Run the fake on a free port, and check at the end that its client kept the rules."""
    kms = Kms()
    with running(type("Handler", (_Handler,), {"kms": kms})) as kms.port:
        yield kms
    assert kms.mistakes == []


class _Invalid(Exception):
    """INVALID_ARGUMENT, with what is wrong."""


class _Handler(Handler):
    kms: Kms

    def respond(self, body: bytes) -> None:
        if self.path == "/token":
            self._answer(200, self._token(body))
            return
        self.kms.requests.append(f"{self.command} {self.path}")
        if self.kms.statuses:
            self._refuse(self.kms.statuses.pop(0), "UNAVAILABLE", "the fake was told to say so")
        elif self.headers.get("authorization") != f"Bearer {TOKEN}":
            self._refuse(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        elif self.path not in (f"/v1/{NAME}/publicKey", f"/v1/{NAME}:asymmetricSign"):  # A, P: HTTP request
            self._refuse(404, "NOT_FOUND", f"{self.path} not found.")
        elif self.kms.state != "ENABLED":  # A: the version has to be enabled
            self._refuse(400, "FAILED_PRECONDITION", f"{NAME} is not enabled, current state is: {self.kms.state}.")
        else:
            self._route(body)

    def _route(self, body: bytes) -> None:
        try:
            answer = self._public_key(body) if self.path.endswith("/publicKey") else self._sign(body)
        except _Invalid as invalid:
            self.kms.mistakes.append(str(invalid))
            self._refuse(400, "INVALID_ARGUMENT", str(invalid))
            return
        self.kms.change(answer)
        self._answer(200, answer)

    def _public_key(self, body: bytes) -> dict[str, Any]:
        if self.command != "GET" or body:  # P: "The request body must be empty."
            raise _Invalid("getPublicKey is a GET without a body")
        pem = (
            self.kms.key.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )
        return {
            "pem": pem,
            "algorithm": self.kms.algorithm,
            "pemCrc32c": str(google_crc32c.value(pem.encode())),  # P, J
            "name": NAME,
            "protectionLevel": "HSM",
        }

    def _sign(self, body: bytes) -> dict[str, Any]:
        if self.command != "POST" or not self.headers["content-type"].startswith("application/json"):
            raise _Invalid("asymmetricSign is a POST of JSON")
        request = json.loads(body)
        if unknown := set(request) - {"digest", "digestCrc32c", "data", "dataCrc32c"}:  # A: request body
            raise _Invalid(f"Invalid JSON payload received. Unknown name {unknown}")
        if "digest" in request or "data" not in request:  # S; A: one of both
            raise _Invalid("EC_SIGN_ED25519 takes data")
        data = self._bytes(request["data"])
        if len(data) > MAX_DATA_BYTES:
            raise _Invalid(f"data is larger than {MAX_DATA_BYTES} bytes")
        checksum = request.get("dataCrc32c")
        if not (isinstance(checksum, str) and re.fullmatch("[0-9]+", checksum)):  # J; D asks for one
            raise _Invalid("dataCrc32c is a decimal number in a string")
        if int(checksum) != google_crc32c.value(data):  # A: "will report an error if the checksum verification fails"
            raise _Invalid("dataCrc32c does not match data")
        signature = self.kms.key.sign(data)
        return {
            "signature": base64.b64encode(signature).decode(),
            "signatureCrc32c": str(google_crc32c.value(signature)),
            "name": NAME,  # D: to be compared
            "verifiedDataCrc32c": True,  # left out where it is false: J
            "protectionLevel": "HSM",
        }

    def _bytes(self, text: object) -> bytes:
        try:
            return base64.b64decode(str(text), validate=True)
        except binascii.Error as error:
            raise _Invalid("data is base64") from error

    def _token(self, body: bytes) -> dict[str, Any]:
        """Check the assertion (O): its signature, scope and lifetime. Return a token."""
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        signed, _, signature = form["assertion"].rpartition(".")
        self.kms.account.public_key().verify(
            base64.urlsafe_b64decode(f"{signature}=="), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
        )
        claims = json.loads(base64.urlsafe_b64decode(f"{signed.split('.')[1]}=="))
        if not (set(claims["scope"].split()) <= SCOPES and 0 < claims["exp"] - claims["iat"] <= 3600):
            self.kms.mistakes.append(f"claims {claims}")
        assert claims["exp"] > time.time()
        return {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}

    def _refuse(self, status: int, kind: str, message: str) -> None:
        self._answer(status, {"error": {"code": status, "message": message, "status": kind}})

    def _answer(self, status: int, document: object) -> None:
        self.answer(status, {"content-type": "application/json; charset=UTF-8"}, json.dumps(document).encode())
