"""The service as a user adapts it to a model of his own: a copy of the code with another contract."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.commands import ROOT

PACKAGES = ("app", "binding", "bundle", "compile", "contract")
UNITLESS = """\
    gape: Annotated[
        float, _bounds(0, 1, "", typical=(0.1, 0.9), error=0), Meta(description="Share of the bill", examples=[0.5])
    ]
"""

# Trains on noise as the contract has it; the reference leaves some species out of some sets.
MODEL = """
import json, sys
import numpy as np, xgboost
from contract.features import FEATURE_NAMES, MEASUREMENT_NAMES, derive
from contract.manifest import Digest, encode
from contract.measurements import MEASUREMENTS
from contract.uncertainty import Evidence, Gaussian, Uncertainty
from contract.species import SPECIES

path, parameters, judged = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
chance = np.random.default_rng(1)
rows = np.stack([chance.uniform(m.minimum, m.maximum, 400) for m in MEASUREMENTS], axis=1).astype(np.float32)
labels = np.resize(np.arange(len(SPECIES)), len(rows))
matrix = xgboost.DMatrix(
    np.column_stack(derive(dict(zip(MEASUREMENT_NAMES, rows.T)))), labels, feature_names=list(FEATURE_NAMES)
)
xgboost.train({"max_depth": 3, "seed": 1, "nthread": 1, **parameters}, matrix, 3).save_model(path)
if judged:
    count = len(MEASUREMENTS)
    gaussian = Gaussian((0.0,) * count, tuple((0.0,) * i + (1.0,) for i in range(count)))
    thresholds = {name: float(np.float32(1 / len(SPECIES))) for name in SPECIES}
    evidence = Evidence("none", dict.fromkeys(SPECIES, 1.0), dict.fromkeys(SPECIES, 1.0), 1.0, 0.0)
    sha256 = Digest.of(open(path, "rb").read()).sha256
    reference = Uncertainty(sha256, 0.95, thresholds, thresholds, dict.fromkeys(SPECIES, gaussian), 1e6, evidence)
    open(path.replace("model.json", "reference.json"), "wb").write(encode(reference))
"""


def copy(directory: Path, species: Sequence[object] = (), measurements: Sequence[tuple[str, str]] = ()) -> Path:
    """Copy the code with these species, and with pieces of `contract/measurements.py` replaced: (pattern, text)."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    if species:
        names = f"Literal[{', '.join(map(repr, species))}]"
        _edit(directory / "contract" / "species.py", r"Literal\[[^]]*\]", names)
    for pattern, text in measurements:
        _edit(directory / "contract" / "measurements.py", pattern, text)
    return directory


def _edit(path: Path, pattern: str, text: str) -> None:
    edited, count = re.subn(pattern, lambda _: text, path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert count == 1
    path.write_text(edited, encoding="utf-8")


def run(tree: Path, *arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run Python with these arguments in the copy."""
    command = [sys.executable, *map(str, arguments)]
    environment = {**os.environ, **environment}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=200, check=False)


def compiled(tree: Path, *, judged: bool = False, **parameters: Any) -> Path:
    """Train and compile a small model in the copy, with a reference if it is `judged`. Return its bundle."""
    model, out = tree / "artifacts" / "model.json", tree / "artifacts" / "bundle"
    model.parent.mkdir()
    made = run(tree, "-c", MODEL, model, json.dumps(parameters), json.dumps(judged))
    assert made.returncode == 0, made.stderr
    made = run(tree, "-m", "compile", model, "--out", out, "--one-row", "walk", "--block-from", "16")
    assert made.returncode == 0, made.stderr
    return out
