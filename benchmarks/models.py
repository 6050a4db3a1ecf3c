"""The models that are asked, each with its XGBoost booster, its compiled library and rows it has not seen."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import xgboost

from app.library import Library
from benchmarks.compiled import compiled, load_library
from benchmarks.plan import PENGUIN, SYNTHETIC, Synthetic
from contract.features import MEASUREMENT_NAMES, derive
from contract.files import write_atomically
from contract.measurements import MEASUREMENTS
from contract.refusal import Refusal

Rows = npt.NDArray[np.float32]  # rows x columns

ARTIFACTS = Path("artifacts")
COLUMNS = 28
TRAINING_ROWS = 60_000
PARAMETERS = {  # the regularisation keeps splits off the tails, so that nearly all trees grow full
    "objective": "binary:logistic",
    "tree_method": "hist",
    "eta": 0.1,
    "lambda": 20.0,
    "min_child_weight": 0.0,
    "colsample_bynode": 0.3,
    "seed": 0,
}


class Model(msgspec.Struct, frozen=True):
    """A model, ready to be asked. `leaves` is the mean per tree, `missing` the share of NaN among rows drawn.

    `cache` is where contenders may leave what they make of it.
    """

    name: str
    path: Path
    cache: Path
    booster: xgboost.Booster
    library: Library
    trees: int
    depth: int
    leaves: float
    missing: float = 0.0

    def draw(self, rows: int) -> Rows:
        """Fresh seeded rows of inputs: measurements of penguins, or features."""
        random = np.random.default_rng(1)
        if self.name == PENGUIN:
            return _penguins(self.path.with_name("training_rows.csv"), rows, random)
        return _features(rows, self.missing, random)

    def features(self, rows: Rows) -> Rows:
        """What the trees split on, from rows of inputs: part of every contender's work."""
        return derive_rows(rows) if self.name == PENGUIN else rows


def load_model(name: str, artifacts: Path = ARTIFACTS) -> Model:
    """The penguin model that `make compile` left, or a synthetic one, made at its first use."""
    if name == PENGUIN:
        path, bundle = artifacts / "penguin_model.json", artifacts / "bundle"
        if not path.exists() or not bundle.exists():
            raise Refusal(f"no penguin model in {artifacts}; make it: make compile")
        return _model(name, path, artifacts / "bench" / name, load_library(bundle))
    return load_synthetic(next(known for known in SYNTHETIC if known.name == name), artifacts / "bench")


def load_synthetic(synthetic: Synthetic, directory: Path) -> Model:
    """Trained and compiled in the directory, where it is not there yet."""
    path = trained(synthetic, directory)
    return _model(synthetic.name, path, path.parent, load_library(compiled(path)), synthetic.missing)


def _model(name: str, path: Path, cache: Path, library: Library, missing: float = 0.0) -> Model:
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(path)
    dump = booster.get_dump(dump_format="text")
    depth = max(line.count("\t") for tree in dump for line in tree.splitlines())
    leaves = sum(tree.count("leaf=") for tree in dump) / len(dump)
    return Model(name, path, cache, booster, library, len(dump), depth, leaves, missing)


def trained(synthetic: Synthetic, directory: Path) -> Path:
    """The model file, trained where its parameters or XGBoost's version are new."""
    parameters = {**PARAMETERS, "max_depth": synthetic.depth}
    recipe: list[Any] = [synthetic, parameters, TRAINING_ROWS, COLUMNS, xgboost.__version__]
    key = hashlib.sha256(msgspec.json.encode(recipe, order="sorted")).hexdigest()[:12]
    path = directory / f"{synthetic.name}-{key}" / "model.json"
    if not path.exists():
        print(f"training {synthetic.name}", flush=True)
        matrix = _training_matrix(synthetic.missing)
        booster = xgboost.train({**parameters, "nthread": 2}, matrix, num_boost_round=synthetic.trees)
        write_atomically(path, bytes(booster.save_raw("json")))
    return path


def _training_matrix(missing: float) -> xgboost.DMatrix:
    """Labels from waves and products of the features, and noise enough that every split finds something."""
    random = np.random.default_rng(0)
    rows = _features(TRAINING_ROWS, 0.0, random)
    score = np.sin(rows * 3) @ (random.standard_normal(COLUMNS) * 0.5)
    score += np.sin(rows[:, 0] * rows[:, 1]) + rows[:, 2] * rows[:, 3] * 0.5
    labels = score + random.logistic(size=TRAINING_ROWS) * 2 > 0
    rows[random.random(rows.shape) < missing] = np.nan
    return xgboost.QuantileDMatrix(rows, labels, nthread=2)


def _features(rows: int, missing: float, random: np.random.Generator) -> Rows:
    """Standard normal, `missing` of them NaN."""
    drawn = random.standard_normal((rows, COLUMNS), dtype=np.float32)
    drawn[random.random(drawn.shape) < missing] = np.nan
    return drawn


def _penguins(training_rows: Path, rows: int, random: np.random.Generator) -> Rows:
    """Birds like those of the training data: each a little off one of them, to a tenth, within the bounds."""
    birds = np.genfromtxt(training_rows, delimiter=",", names=True, dtype=None, encoding="utf-8")
    known = np.column_stack([birds[name] for name in MEASUREMENT_NAMES]).astype(np.float64)
    drawn = known[random.integers(len(known), size=rows)]
    drawn += random.standard_normal(drawn.shape) * known.std(axis=0) * 0.2
    low, high = ([getattr(measurement, end) for measurement in MEASUREMENTS] for end in ("minimum", "maximum"))
    return np.clip(drawn, low, high).round(1).astype(np.float32)


def derive_rows(measurements: Rows) -> Rows:
    """The contract's features, in float32; of the ways to write it in numpy, the quickest found for one row."""
    columns = derive(dict(zip(MEASUREMENT_NAMES, measurements.T, strict=True)))
    features = np.empty((len(measurements), len(columns)), dtype=np.float32)
    for i, column in enumerate(columns):
        features[:, i] = column
    return features
