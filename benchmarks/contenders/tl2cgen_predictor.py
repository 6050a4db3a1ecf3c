"""tl2cgen as it comes: its own C, its own library, its own Predictor. `python -m` this to export a library."""

import hashlib
import subprocess
import sys
from pathlib import Path

import tl2cgen
import treelite

from benchmarks.bodies import most_probable, plain_service
from benchmarks.entry import Entry, Unsuitable
from benchmarks.models import Model, Rows

NAME = "tl2cgen.Predictor"
VERSION: str = tl2cgen.__version__
TREES_PER_UNIT = 25  # of one translation unit


def prepare(model: Model, _rows: int) -> Entry:
    """A DMatrix of its own for every call."""
    predictor, features = _predictor(model), model.features
    return Entry(lambda inputs: _ask(predictor, features(inputs)))


def serve(model: Model) -> Entry:
    """One JSON body."""
    predictor = _predictor(model)
    return plain_service(most_probable(lambda features: _ask(predictor, features)))


def _ask(predictor: tl2cgen.Predictor, features: Rows) -> Rows:
    found: Rows = predictor.predict(tl2cgen.DMatrix(features))
    return found


def _predictor(model: Model) -> tl2cgen.Predictor:
    key = hashlib.sha256(model.path.read_bytes() + VERSION.encode()).hexdigest()[:12]
    library = model.cache / f"tl2cgen-{key}.so"
    if not library.exists():
        model.cache.mkdir(parents=True, exist_ok=True)
        # A process of its own: the export writes notices past sys.stderr.
        command = [sys.executable, "-m", __name__, str(model.path), str(library)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise Unsuitable(f"tl2cgen cannot export it: {result.stderr.strip().splitlines()[-1]}")
    return tl2cgen.Predictor(library, nthread=1)


def export(model: Path, library: Path) -> None:
    """Compile the model with gcc, in parallel, into a temporary name first."""
    trees = treelite.frontend.load_xgboost_model(str(model))
    temporary = library.with_name(f".{library.stem}.tmp.so")
    units = max(1, trees.num_tree // TREES_PER_UNIT)
    tl2cgen.export_lib(trees, toolchain="gcc", libpath=temporary, params={"parallel_comp": units})
    temporary.replace(library)


if __name__ == "__main__":
    export(*map(Path, sys.argv[1:]))
