"""timber-compiler: C of its own, called with arrays."""

import hashlib
import subprocess
import sys
from pathlib import Path

from timber.runtime.predictor import TimberPredictor

from benchmarks.contenders.entry import Entry, by_probabilities
from benchmarks.contenders.models import Model

NAME = "timber"


def prepare(model: Model, _rows: int) -> Entry:
    """Compile once, and prepare calls of its predictor."""
    return by_probabilities(model, TimberPredictor.from_artifact(str(_artifact(model))).predict)


def _artifact(model: Model) -> Path:
    key = hashlib.sha256(model.path.read_bytes()).hexdigest()[:12]
    made = model.cache.absolute() / f"timber-{key}"  # it builds in that directory
    if not made.exists():
        compiler = [sys.executable, "-m", "timber.cli", "compile"]
        command = [*compiler, "--model", str(model.path.absolute()), "--out", str(made)]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return made
