"""The compiled library of a model: made by `python -m compile` where the model or the compiler's source is new."""

import hashlib
import subprocess
import sys
from pathlib import Path

from app.library import Library
from contract.files import write_atomically
from contract.manifest import MANIFEST_FILE, Digest, decode_manifest, platform_name
from contract.refusal import Refusal

ROOT = Path(__file__).parent.parent
SOURCES = (
    "bundle/write.py",
    "compile/*.py",
    "compile/native/*",
    "contract/*.py",
    "app/library.py",
    "app/mapping.py",
)  # of the compiler


def compiled(model: Path) -> Path:
    """The bundle beside the model. Raises Refusal where the compiler refuses."""
    bundle, stamp = model.with_name("bundle"), model.with_name("bundle.made-from")
    made_from = _made_from(model)
    if not (bundle / MANIFEST_FILE).exists() or not stamp.exists() or stamp.read_bytes() != made_from:
        print(f"compiling {model}", flush=True)
        command = [sys.executable, "-m", "compile", str(model.resolve()), "--out", str(bundle.absolute())]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise Refusal(f"cannot compile {model}: {result.stderr.strip().splitlines()[-1]}; mend compile/ first")
        write_atomically(stamp, made_from)
    return bundle


def _made_from(model: Path) -> bytes:
    """What the bundle depends on, the C compiler apart."""
    digest = hashlib.sha256(model.read_bytes())
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest().encode()


def load_library(bundle: Path) -> Library:
    """The bundle's library, verified, of any contract: the service's own loader takes its own contract only."""
    try:
        manifest = decode_manifest((bundle / MANIFEST_FILE).read_bytes(), str(bundle / MANIFEST_FILE))
        name = manifest.platforms[platform_name()].library
        image = (bundle / name).read_bytes()
    except (OSError, KeyError) as error:
        raise Refusal(f"no library for {platform_name()} in {bundle} ({error}); make it: make compile") from error
    if Digest.of(image) != manifest.files[name]:
        raise Refusal(f"{bundle / name} is not what the manifest describes; remove {bundle.parent} and start again")
    return Library(image, manifest.interface.classes)
