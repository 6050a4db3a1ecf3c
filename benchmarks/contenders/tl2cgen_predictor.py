"""tl2cgen without our changes: its own C, its own library, its own Predictor. `python -m` this exports a library."""

import hashlib
import subprocess
import sys
from pathlib import Path

import tl2cgen
import treelite

from benchmarks.contenders.entry import Entry, by_probabilities
from benchmarks.contenders.models import Model, Rows

NAME = "tl2cgen.Predictor"
TREES_PER_UNIT = 25  # trees in one translation unit


def prepare(model: Model, _rows: int) -> Entry:
    """Prepare calls that each make a new DMatrix, of tl2cgen's own kind."""
    predictor = tl2cgen.Predictor(_library(model), nthread=1)

    def ask(features: Rows) -> Rows:
        found: Rows = predictor.predict(tl2cgen.DMatrix(features))
        return found

    return by_probabilities(model, ask)


def _library(model: Model) -> Path:
    key = hashlib.sha256(model.path.read_bytes() + tl2cgen.__version__.encode()).hexdigest()[:12]
    library = model.cache / f"tl2cgen-{key}.so"
    if not library.exists():
        model.cache.mkdir(parents=True, exist_ok=True)
        # A process of its own: the export writes notices past sys.stderr.
        command = [sys.executable, "-m", __name__, str(model.path), str(library)]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return library


def export(model: Path, library: Path) -> None:
    """Compile the model with gcc, in parallel, into a temporary name first."""
    trees = treelite.frontend.load_xgboost_model(str(model))
    temporary = library.with_name(f".{library.stem}.tmp.so")
    units = max(1, trees.num_tree // TREES_PER_UNIT)
    tl2cgen.export_lib(trees, toolchain="gcc", libpath=temporary, params={"parallel_comp": units})
    temporary.replace(library)


if __name__ == "__main__":
    export(*map(Path, sys.argv[1:]))
