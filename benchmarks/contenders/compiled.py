"""The compiled library of a model; `python -m compile` makes it again if the model or the compiler's source is new."""

import hashlib
import subprocess
import sys
from pathlib import Path

from benchmarks.machine import ROOT
from binding.library import Library
from bundle.fetch import read_directory
from bundle.verify import IN_PLACE
from contract.manifest import MANIFEST_FILE
from contract.refusal import Refusal

SOURCES = ("bundle/write.py", "compile/**/*.py", "compile/native/*", "contract/*.py", "binding/*.py")  # of the compiler


def compiled(model: Path) -> Path:
    """Return the bundle beside the model; its name has a digest of all that it is made from. Raises Refusal."""
    digest = hashlib.sha256(model.read_bytes())
    for path in (path for pattern in SOURCES for path in sorted(ROOT.glob(pattern))):
        digest.update(path.read_bytes())
    bundle = model.with_name(f"bundle-{digest.hexdigest()[:12]}")
    if not (bundle / MANIFEST_FILE).exists():
        print(f"compiling {model}", flush=True)
        command = [sys.executable, "-m", "compile", str(model.resolve()), "--out", str(bundle.absolute())]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise Refusal(f"cannot compile {model}: {result.stderr.strip().splitlines()[-1]}; fix compile/ first")
    return bundle


def load_library(bundle: Path) -> Library:
    """Return the library of a bundle of any contract. Raises Refusal."""
    verified = read_directory(bundle, IN_PLACE)
    return Library(verified.library, verified.contract.output.values)
