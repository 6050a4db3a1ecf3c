"""An installation without Google's client, as of an image that is built with STORAGE=none."""

import sys

import pytest

from bundle.refusal import BundleRefusal
from bundle.signing.private import open_signer
from bundle.stores.opening import open_store

KMS = "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"


def test_an_address_in_the_cloud_is_refused_without_its_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gs:// or gcpkms:// address is refused with what is missing and how to get it."""
    for name in ("bundle.stores.cloud", "bundle.signing.kms", "bundle.login"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "google"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "google", None)  # import google then raises
    with pytest.raises(BundleRefusal, match=r"gs://a/b needs Google's client, and there is no google.*STORAGE=gs"):
        open_store("gs://a/b")
    with pytest.raises(BundleRefusal, match=r"gcpkms://.* needs Google's client, .*requirements/runtime.txt"):
        open_signer(KMS)
