"""A whole bundle of format 2, as an earlier version wrote them: the penguins' contract, and a library of ABI 5."""

import subprocess
import tempfile
from pathlib import Path

from binding.library import Library
from bundle.signing.private import SigningKey
from compile.toolchain import find_compiler
from contract.certificate import Certificate, certificate_file
from contract.format_2 import CONTRACT, INTERFACE
from contract.manifest import (
    MODEL_FILE,
    Digest,
    Golden,
    Manifest,
    PlatformBuild,
    Toolchain,
    Trees,
    Tuning,
    encode,
    platform_name,
)
from contract.trees import TREES_FILE, Forest, Tree
from contract.uncertainty import UNCERTAINTY_FILE, Evidence, Gaussian, Uncertainty
from tests.support.bundles import NOW, put_manifest

SOURCE = Path(__file__).with_name("abi_5.c")
CLASSES = CONTRACT.output.classes
GOLDEN_ROW = (39.1, 18.7, 181.0, 3750.0)
BASE_MARGINS = (0.25, -0.5, 0.125)  # of abi_5.c, as are the splits and the leaves below
SPLITS = ((0, 2, 206.5, -1.5, 2.0), (2, 4, 2.25, 1.75, -1.0))  # output, feature, threshold, and the two leaves


def image() -> bytes:
    """Return the library, compiled from abi_5.c."""
    compiler = find_compiler()
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "library.so"
        flags = (*compiler.compile_flags, *compiler.link_flags)
        subprocess.run([*compiler.command, *flags, "-O1", SOURCE, "-o", out, "-lm"], check=True)
        return out.read_bytes()


def make_format_2(directory: Path, key: SigningKey | None = None, label: str = "old") -> str:
    """Write a bundle of format 2, signed if there is a key. Return its digest."""
    library, model = image(), b'{"version": [3, 2, 0], "learner": "abi_5.c"}'
    files = {
        f"libmodel-{platform_name()}.so": library,
        MODEL_FILE: model,
        UNCERTAINTY_FILE: encode(_uncertainty(model)),
        TREES_FILE: encode(_forest(model)),
    }
    certificate = encode(
        Certificate(
            Digest.of(model).sha256, Digest.of(library).sha256, "3.2.0", {"random": 1}, 0, ("baseline",), "any", 1, 1
        )
    )
    files[certificate_file(platform_name())] = certificate
    target = PlatformBuild(
        library=f"libmodel-{platform_name()}.so",
        certificate=certificate_file(platform_name()),
        certificate_sha256=Digest.of(certificate).sha256,
        toolchain=Toolchain("cc 12", ("-O1",), {}),
        tuning=Tuning("walk", 16, {}),
    )
    loaded = Library(library, CLASSES)
    label_of_golden = loaded.predict(GOLDEN_ROW)[0]
    manifest = Manifest(
        format_version=2,
        bundle_version=label,
        created_at=NOW,
        model_sha256=Digest.of(model).sha256,
        interface=INTERFACE,
        trees=Trees("multi:softprob", len(SPLITS), 3 * len(SPLITS), 1, BASE_MARGINS, 1, 1),
        golden=Golden(GOLDEN_ROW, tuple(loaded.margins), label_of_golden),
        platforms={platform_name(): target},
        files={name: Digest.of(data) for name, data in files.items()},
    )
    directory.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return put_manifest(directory, encode(manifest), key)


def _uncertainty(model: bytes) -> Uncertainty:
    """Return thresholds of 0.25 for each class, and a distance that only the body mass decides."""
    shares = dict.fromkeys(CLASSES, 0.25)
    gaussian = Gaussian((0.0, 0.0, 0.0, 4000.0), ((0.0,), (0.0,) * 2, (0.0,) * 3, (0.0, 0.0, 0.0, 0.002)))
    return Uncertainty(
        model_sha256=Digest.of(model).sha256,
        level=0.75,
        evidence=Evidence("none", shares, shares, 1.0, 0.0),
        conformal_thresholds=shares,
        set_thresholds=shares,
        gaussians=dict.fromkeys(CLASSES, gaussian),
        distance_limit=4.0,
    )


def _forest(model: bytes) -> Forest:
    """Return the trees, without the side of missing values, which format 2 did not have."""
    trees = [
        Tree(output, (1, -1, -1), (2, -1, -1), (feature, 0, 0), (threshold, left, right), (2.0, 1.0, 1.0))
        for output, feature, threshold, left, right in SPLITS
    ]
    return Forest(Digest.of(model).sha256, BASE_MARGINS, tuple(trees))
