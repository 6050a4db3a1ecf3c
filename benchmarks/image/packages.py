"""Which package of PyPI each file of the image belongs to, and why a large one is there."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from benchmarks.image.layers import LayerFile
from contract.refusal import Refusal

PACKAGES = "service/packages/"
LARGE_BYTES = 1_000_000  # from here on a package needs a reason
REASONS = {
    "anyio": "Starlette's requests and responses run on it.",
    "cffi": "cryptography imports its library.",
    "cryptography": "It verifies the signatures of bundles. Nearly all of it is one library, OpenSSL included.",
    "google-api-core": "google-cloud-storage needs it.",
    "google-auth": "Credentials for gs:// and for keys in a KMS.",
    "google-cloud-storage": "Bundles at gs:// addresses. Half of it is a client for gRPC, which nothing imports.",
    "protobuf": "google-api-core imports it.",
    "pyasn1-modules": "google-auth requires it; beside cryptography nothing imports it.",
    "uvloop": "The event loop. Its wheel has 14 MB of symbols for a debugger, which the build strips.",
}


def owners(records: Mapping[str, str]) -> dict[str, str]:
    """Return the distribution of each path, from the text of each RECORD by its own path."""
    found = {}
    for place, text in records.items():
        name = re.sub(r"-[^-]+\.dist-info/RECORD$", "", place.removeprefix(PACKAGES)).replace("_", "-").lower()
        for line in text.splitlines():
            found[PACKAGES + line.split(",", 1)[0]] = name
    return found


def sizes(files: Iterable[LayerFile], owned: Mapping[str, str]) -> dict[str, int]:
    """Return bytes by distribution, the largest first. What Python compiled belongs to its source.

    Raises Refusal if a file belongs to none: it was not installed by pip.
    """
    counted: Counter[str] = Counter()
    for file in files:
        if file.kind == "file" and file.path.startswith(PACKAGES):
            source = re.sub(r"__pycache__/([^/]+)\.cpython-\d+\.pyc$", r"\1.py", file.path)
            if source not in owned:
                raise Refusal(f"expected every file of the packages in a RECORD, found {file.path} in none; make image")
            counted[owned[source]] += file.size
    return dict(counted.most_common())


def reason(package: str) -> str:
    """Return why a large package is in the image. Raises Refusal if nobody has said."""
    if package not in REASONS:
        raise Refusal(
            f"{package} has more than {LARGE_BYTES // 1_000_000} MB; say why the image needs it, in "
            "benchmarks/image/packages.py, or leave it out: requirements/serve.in, requirements/runtime.in"
        )
    return REASONS[package]
