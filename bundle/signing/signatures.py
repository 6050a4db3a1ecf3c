"""The signatures beside a manifest: which of them are valid."""

from collections.abc import Callable, Iterable

from bundle.refusal import BundleRefusal
from bundle.signing.keys import TrustedKey
from bundle.signing.signature import MANIFEST, MAX_SIGNATURE_BYTES, check, signature_file

Signatures = dict[str, bytes]  # by file name
BadSignatures = dict[str, BundleRefusal]


def read_signatures(
    read: Callable[[str, int], bytes], encoded: bytes, keys: Iterable[TrustedKey], path: Callable[[str], str]
) -> tuple[Signatures, BadSignatures]:
    """Return the valid signatures by these keys, and why others are invalid. An absent one is in neither.

    `path` returns the path of a file of the bundle, for messages. Raises BundleRefusal if the place cannot be read.
    """
    found: Signatures = {}
    bad: BadSignatures = {}
    for key in keys:
        name = signature_file(key)
        try:
            signature = read(name, MAX_SIGNATURE_BYTES)
            check(signature, [key], MANIFEST, encoded, path(name))
        except BundleRefusal as refusal:
            if refusal.retryable or refusal.reason == "deadline":
                raise
            if refusal.reason != "missing":
                bad[name] = refusal
        else:
            found[name] = signature
    return found, bad
