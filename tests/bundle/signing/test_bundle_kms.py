"""A key in KMS signs as a key in a file does, and a damaged answer is never accepted."""

import base64
import math
import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import google_crc32c
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bundle.__main__ import main
from bundle.fetch import read_directory
from bundle.refusal import BundleRefusal
from bundle.signing.kms import CloudKey
from bundle.signing.private import SigningKey, open_signer
from bundle.signing.signature import MANIFEST, check, sign
from bundle.verify import Trust
from tests.support.bundles import make
from tests.support.cloud import refused_port
from tests.support.commands import ROOT
from tests.support.kms import NAME, Change, Kms, running_kms

SAME: Change = lambda _: None  # noqa: E731  # no change of an answer


@pytest.fixture
def kms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kms]:
    """Run the fake KMS, and lead this process to it."""
    with running_kms() as running:
        for name, value in running.environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        pauses = cycle([0.0, math.inf])  # what may pass is tried twice: no deadline comes in the middle of an attempt
        monkeypatch.setattr("bundle.deadline.random.uniform", lambda _low, _high: next(pauses))
        yield running


def refusal_of(address: str, data: bytes = b"data") -> BundleRefusal:
    with pytest.raises(BundleRefusal) as refusal:
        open_signer(address).sign(data)
    return refusal.value


def test_it_signs_as_the_same_key_in_a_file_would(kms: Kms) -> None:
    """A key in KMS gives the same signature as the same key in a file."""
    in_file, in_kms = SigningKey(kms.key), open_signer(kms.address)
    assert isinstance(in_kms, CloudKey)
    assert in_kms.public == in_file.public
    for data in (b"", b"data", bytes(60_000)):
        assert in_kms.sign(data) == in_file.sign(data)
    signature = sign(in_kms, MANIFEST, b"manifest")
    assert signature == sign(in_file, MANIFEST, b"manifest")
    assert check(signature, [in_file.public], MANIFEST, b"manifest", "it") == in_file.public.key_id
    assert kms.requests[0] == f"GET /v1/{NAME}/publicKey"
    assert set(kms.requests[1:]) == {f"POST /v1/{NAME}:asymmetricSign"}


def test_a_bundle_is_signed_published_and_promoted_with_it(
    kms: Kms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key in KMS signs, publishes and promotes through the usual commands."""
    assert main(["public", "--key", kms.address]) == 0
    public = SigningKey(kms.key).public
    assert f"set TRUSTED_KEYS={public}" in capsys.readouterr().out
    monkeypatch.setenv("TRUSTED_KEYS", str(public))
    digest = make(tmp_path / "made")
    store = f"{tmp_path}/store"
    for command in (
        ["sign", f"{tmp_path}/made", "--key", kms.address],
        ["publish", f"{tmp_path}/made", store],
        ["promote", f"{store}#stable", digest, "--key", kms.address],
        ["rollback", f"{store}#stable", digest, "--key", kms.address],
        ["verify", f"{store}#stable"],
    ):
        assert main(command) == 0, capsys.readouterr().err
    assert read_directory(tmp_path / "made", Trust((public,))).signed_by == public.key_id


def corrupted(field: str) -> Change:
    """Flip one bit of the text between the quotes."""

    def change(answer: dict[str, object]) -> None:
        data = bytearray(base64.b64decode(str(answer[field])))
        data[3] ^= 1
        answer[field] = base64.b64encode(data).decode()

    return change


def other_key(answer: dict[str, object]) -> None:
    """Replace the signature with another key's."""
    signature = bytes(64)
    answer["signature"] = base64.b64encode(signature).decode()
    answer["signatureCrc32c"] = str(google_crc32c.value(signature))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (corrupted("signature"), "the signature was damaged"),
        (lambda answer: answer.update(signatureCrc32c="1"), "the signature was damaged"),
        (lambda answer: answer.pop("signatureCrc32c"), "the signature was damaged"),
        (lambda answer: answer.pop("verifiedDataCrc32c"), "what was sent to be signed was damaged"),
        (lambda answer: answer.update(verifiedDataCrc32c=False), "what was sent to be signed was damaged"),
        (lambda answer: answer.update(signature="*"), "the signature was damaged"),
        (lambda answer: answer.update(name=NAME.replace("/1", "/2")), "about another key"),
        (lambda answer: answer.pop("name"), "about another key"),
        (other_key, "does not verify"),
    ],
)
def test_an_answer_that_was_damaged_is_asked_for_again_and_then_refused(kms: Kms, change: Change, told: str) -> None:
    """A damaged answer is asked for again a limited number of times, then refused."""
    key = open_signer(kms.address)
    kms.change = change
    with pytest.raises(BundleRefusal, match=told) as refusal:
        key.sign(b"data")
    assert refusal.value.reason == "failing"
    assert 1 < len(kms.requests) < 30

    def once(answer: dict[str, object]) -> None:
        change(answer)
        kms.change = SAME

    kms.change = once
    assert key.sign(b"data") == SigningKey(kms.key).sign(b"data")


def elliptic(answer: dict[str, object]) -> None:
    """Replace the public key with one of another algorithm."""
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    answer.update(pem=pem.decode(), pemCrc32c=str(google_crc32c.value(pem)))


@pytest.mark.parametrize(
    ("change", "reason", "told"),
    [
        (lambda answer: answer.update(pem=str(answer["pem"]).replace("A", "B")), "failing", "public key was damaged"),
        (lambda answer: answer.pop("pemCrc32c"), "failing", "public key was damaged"),
        (lambda answer: answer.update(name="projects/x"), "failing", "about another key"),
        (lambda answer: answer.update(algorithm="EC_SIGN_P256_SHA256"), "key", "default-algorithm=ec-sign-ed25519"),
        (lambda answer: answer.update(pem="x", pemCrc32c=str(google_crc32c.value(b"x"))), "key", "cannot be read"),
        (elliptic, "key", "expected an Ed25519 key"),
    ],
)
def test_a_public_key_that_is_none_is_refused(kms: Kms, change: Change, reason: str, told: str) -> None:
    """A malformed public key from KMS is refused."""
    kms.change = change
    refusal = refusal_of(kms.address)
    assert refusal.reason == reason
    assert told in str(refusal)


@pytest.mark.parametrize(
    ("status", "reason", "told"),
    [
        (403, "forbidden", "roles/cloudkms.signerVerifier"),
        (404, "missing", "gcloud kms keys versions list"),
        (400, "key", "gcloud kms keys versions describe"),
        (429, "throttled", "try again"),
        (500, "failing", "try again"),
        (503, "failing", "try again"),
    ],
)
def test_a_status_is_told_by_its_reason(kms: Kms, status: int, reason: str, told: str) -> None:
    """A status that may pass is retried, any other is refused at once, each by its reason."""
    kms.statuses = [status] * 100
    refusal = refusal_of(kms.address)
    assert refusal.reason == reason
    assert told in str(refusal)
    assert "told to say so" in str(refusal)
    assert (len(kms.requests) > 1) == refusal.retryable
    if refusal.retryable:
        kms.statuses = [status]
        assert open_signer(kms.address).sign(b"data")


def test_a_version_that_is_disabled_says_so(kms: Kms) -> None:
    """A disabled key version is refused with that reason."""
    kms.state = "DISABLED"
    assert "current state is: DISABLED" in str(refusal_of(kms.address))


def test_what_is_too_long_never_leaves(kms: Kms) -> None:
    """Data over 64 KiB is refused before it is sent."""
    refusal = refusal_of(kms.address, bytes(65_537))
    assert (refusal.reason, len(kms.requests)) == ("key", 1)
    assert "python -m bundle keygen" in str(refusal)


def test_an_address_that_is_none_is_a_mistake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A faulty address, an insecure endpoint or no login is refused."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    for address in ("gcpkms://", "gcpkms://projects/p", f"gcpkms://{NAME.rpartition('/')[0]}", f"gcpkms://{NAME}/x"):
        assert refusal_of(address).reason == "key"
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", "http://example.org/")
    assert "expected https://HOST" in str(refusal_of(f"gcpkms://{NAME}"))
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", "")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "absent.json"))
    assert refusal_of(f"gcpkms://{NAME}").reason == "credentials"


def test_nobody_listens(kms: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    """A KMS that does not listen is refused in time."""
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", f"http://127.0.0.1:{refused_port()}")
    assert refusal_of(kms.address).reason == "unreachable"


def test_only_who_signs_there_imports_it() -> None:
    """Only a signature with KMS imports its client."""
    code = (
        "import sys, app.main, bundle.__main__, bundle.signing.keys; print('bundle.signing.kms' in sys.modules, end='')"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == ("False", "")
