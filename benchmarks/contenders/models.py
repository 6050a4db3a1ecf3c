"""The models that are asked, each with its XGBoost booster, its compiled library and rows it has not seen."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import xgboost

from benchmarks.contenders.compiled import compiled, load_library
from binding.library import Library
from contract.files import write_atomically
from contract.refusal import Refusal
from train.contract import CONTRACT

Rows = npt.NDArray[np.float32]  # rows x columns

PENGUIN = "penguin"
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


class Synthetic(msgspec.Struct, frozen=True):
    """A seeded binary classifier on 28 features. `missing` is the share of values that are NaN."""

    name: str
    trees: int
    depth: int
    missing: float = 0.0


SYNTHETIC = (
    Synthetic("100x6", 100, 6),
    Synthetic("500x6", 500, 6),
    Synthetic("500x8", 500, 8),
    Synthetic("300x6-missing", 300, 6, missing=0.2),
)
MODELS = (PENGUIN, *(synthetic.name for synthetic in SYNTHETIC))


class Model(msgspec.Struct, frozen=True):
    """A model, ready to be asked. `missing` is the share of NaN among the rows that it draws.

    `cache` is where contenders may leave what they make of it.
    """

    name: str
    path: Path
    cache: Path
    booster: xgboost.Booster
    library: Library
    missing: float = 0.0

    def draw(self, rows: int) -> Rows:
        """Return seeded rows of inputs that the model was not trained on: measurements of penguins, or features."""
        random = np.random.default_rng(1)
        if self.name == PENGUIN:
            return _penguins(self.path.with_name("training_rows.csv"), rows, random)
        return _features(rows, self.missing, random)

    def features(self, rows: Rows) -> Rows:
        """Return what the trees split on, from rows of inputs. It is part of every contender's work."""
        return derive_rows(rows) if self.name == PENGUIN else rows

    def words(self) -> str:
        """Describe the model, for the report."""
        trees = self.booster.get_dump(dump_format="text")
        depth = max(line.count("\t") for tree in trees for line in tree.splitlines())
        leaves = sum(tree.count("leaf=") for tree in trees) / len(trees)
        outputs = f"{self.library.outputs} outputs" if self.library.outputs > 1 else "1 output"
        return (
            f"{len(trees)} trees of depth {depth} ({leaves:.1f} leaves on average), {self.library.features} features, "
            f"{outputs}{f', {self.missing:.0%} of the values missing' if self.missing else ''}"
        )


def load_model(name: str, artifacts: Path) -> Model:
    """Load the penguin model that `make compile` left, or a synthetic one, made at its first use. Raises Refusal."""
    if name == PENGUIN:
        path, bundle = artifacts / "penguin_model.json", artifacts / "bundle"
        if not path.exists() or not bundle.exists():
            raise Refusal(f"no penguin model in {artifacts}; make it: make compile")
        return Model(name, path, artifacts / "bench" / name, _booster(path), load_library(bundle))
    return load_synthetic(next(known for known in SYNTHETIC if known.name == name), artifacts / "bench")


def load_synthetic(synthetic: Synthetic, directory: Path) -> Model:
    """Load a synthetic model; train and compile it first if it is not in the directory yet."""
    path = _trained(synthetic, directory)
    library = load_library(compiled(path))
    return Model(synthetic.name, path, path.parent, _booster(path), library, synthetic.missing)


def _booster(path: Path) -> xgboost.Booster:
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(path)
    return booster


def _trained(synthetic: Synthetic, directory: Path) -> Path:
    """Return the model file; train it if its parameters or XGBoost's version are new."""
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
    """Return labels from waves and products of the features, with enough noise that every split finds something."""
    random = np.random.default_rng(0)
    rows = _features(TRAINING_ROWS, 0.0, random)
    score = np.sin(rows * 3) @ (random.standard_normal(COLUMNS) * 0.5)
    score += np.sin(rows[:, 0] * rows[:, 1]) + rows[:, 2] * rows[:, 3] * 0.5
    labels = score + random.logistic(size=TRAINING_ROWS) * 2 > 0
    rows[random.random(rows.shape) < missing] = np.nan
    return xgboost.QuantileDMatrix(rows, labels, nthread=2)


def _features(rows: int, missing: float, random: np.random.Generator) -> Rows:
    """Standard normal values, of which the share `missing` is NaN."""
    drawn = random.standard_normal((rows, COLUMNS), dtype=np.float32)
    drawn[random.random(drawn.shape) < missing] = np.nan
    return drawn


def _penguins(training_rows: Path, rows: int, random: np.random.Generator) -> Rows:
    """Return birds like those of the training data: each is near one of them, and within the bounds."""
    birds = np.genfromtxt(training_rows, delimiter=",", names=True, dtype=None, encoding="utf-8")
    known = np.column_stack([birds[name] for name in CONTRACT.input_names]).astype(np.float64)
    drawn = known[random.integers(len(known), size=rows)]
    drawn += random.standard_normal(drawn.shape) * known.std(axis=0) * 0.2
    low, high = np.array([each.bounds for each in CONTRACT.inputs]).T
    return np.clip(drawn, low, high).round(1).astype(np.float32)


def derive_rows(measurements: Rows) -> Rows:
    """Return the contract's features, in float32; the quickest way in numpy that we found for one row."""
    columns = CONTRACT.derive(dict(zip(CONTRACT.input_names, measurements.T, strict=True)))
    features = np.empty((len(measurements), len(columns)), dtype=np.float32)
    for i, column in enumerate(columns):
        features[:, i] = column
    return features
