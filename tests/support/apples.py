"""Contracts with inputs of every kind, one for each kind of answer, and small models that fit them."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xgboost

from compile.certification.probes import derive_rows
from compile.contract_file import in_toml
from contract.derived import Projection, Ratio
from contract.manifest import Digest, encode
from contract.schema import Contract, Input, Output
from contract.uncertainty import UNCERTAINTY_FILE, Evidence, Gaussian, Uncertainty
from score.bundle import Bundle, load_bundle
from tests.support.commands import run_module

Rows = npt.NDArray[np.float32]

QUICKLY = ("--one-row", "walk", "--block-from", "32")  # nothing is measured
INPUTS = (
    Input("weight", unit="g", minimum=20, maximum=600, typical=(60, 300), error=2.5, example=150.5),
    Input("seeds", kind="integer", minimum=-1, maximum=30, typical=(2, 12), error=1, example=5),
    Input("has stalk", kind="boolean", description="Whether it was picked with its stalk"),
    Input("variety", kind="category", categories=("Boskoop", "Elstar", "Crab & wild"), example="Elstar"),
    Input("sugar/100 g", unit="g", minimum=0, maximum=25, typical=(5, 16), error=0.5, missing=True, example=10.4),
    Input("scab", kind="category", categories=("none", "some"), missing=True),
)
DERIVED = (
    Ratio("weight", "seeds"),
    Projection("size", {"weight": 0.01, "seeds": -0.125, "sugar/100 g": 0.3}),
)
KNOWN = ("weight", "seeds", "sugar/100 g")  # the inputs of the distance
TASTES = ("sour", "sweet")
OUTPUTS = {
    "classes": Output(classes=("juice", "table", "cider"), label="use"),
    "binary": Output(classes=TASTES, label="taste"),
    "label": Output(kind="label", classes=TASTES, label="taste"),
    "number": Output(kind="number", unit="ct", tolerance=0.05),
    "numbers": Output(kind="numbers", names=("low", "middle", "high"), unit="ct"),
}
OBJECTIVES: dict[str, dict[str, Any]] = {
    "classes": {"objective": "multi:softprob", "num_class": 3},
    "binary": {"objective": "binary:logistic"},
    "label": {"objective": "binary:hinge"},
    "number": {"objective": "reg:squarederror"},
    "numbers": {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]},
}
KINDS = tuple(OUTPUTS)
APPLE = {"weight": 150.5, "seeds": 5, "has stalk": True, "variety": "Elstar", "sugar/100 g": 10.4, "scab": "some"}


def contract_of(kind: str) -> Contract:
    """Return the contract of apples with this kind of answer."""
    return Contract(
        name="apple",
        title="Apples",
        summary="What an apple is good for.",
        row="apple",
        subject="apple",
        inputs=INPUTS,
        derived=DERIVED,
        output=OUTPUTS[kind],
    )


def rows_of(contract: Contract, count: int, seed: int = 1, missing: float = 0.2) -> Rows:
    """Make random rows that clients may send; an input that may be missing is so with this probability."""
    chance = np.random.default_rng(seed)
    columns = []
    for each in contract.inputs:
        low, high = (bound if np.isfinite(bound) else math.copysign(1e3, bound) for bound in each.bounds)
        whole = each.kind != "number"
        column = chance.integers(int(low), int(high) + 1, count) if whole else chance.uniform(low, high, count)
        absent = chance.random(count) < (missing if each.missing else 0)
        columns.append(np.where(absent, np.nan, column.astype(np.float32)))
    return np.stack(columns, axis=1).astype(np.float32)


def document_of(contract: Contract, row: Rows) -> dict[str, Any]:
    """Return a row as the document that a client sends."""
    return {each.name: _value(each, number) for each, number in zip(contract.inputs, row.tolist(), strict=True)}


def _value(each: Input, number: float) -> Any:
    if number != number:
        return None
    if each.kind == "category":
        return each.categories[int(number)]
    return bool(number) if each.kind == "boolean" else int(number) if each.kind == "integer" else number


def grown(
    contract: Contract, path: Path, parameters: dict[str, Any], rounds: int = 6, rows: int = 400
) -> xgboost.Booster:
    """Train a model of the contract on random rows and save it. Every input matters."""
    data = rows_of(contract, rows)
    known = np.nan_to_num(data, nan=-1.0)
    score = (known - known.mean(axis=0)) / (known.std(axis=0) + 1e-6)
    total = score @ np.linspace(1, 2, data.shape[1]) + np.random.default_rng(2).normal(0, 0.3, rows)
    classes = len(contract.output.classes)
    target = np.argsort(np.argsort(total)) * classes // rows if classes else total
    finite = np.clip(derive_rows(contract, data), -1e30, 1e30)  # a DMatrix takes no infinity
    matrix = xgboost.DMatrix(finite, target, feature_names=list(contract.features))
    booster = xgboost.train({"max_depth": 4, "seed": 1, "nthread": 1, **parameters}, matrix, rounds)
    booster.save_model(path)
    return booster


def compiled(contract: Contract, model: Path, bundle: Path, *arguments: str) -> Path:
    """Compile a model against a contract, as a user does. Return the bundle."""
    toml = model.with_suffix(".contract.toml")
    toml.write_text(in_toml(contract), encoding="utf-8")
    result = run_module("compile", model, "--contract", toml, "--out", bundle, *QUICKLY, *arguments)
    assert result.returncode == 0, result.stderr
    return bundle


def judged_by(kind: str, contract: Contract, model: Path) -> Uncertainty:
    """Return what the answers of apples are judged by: something else for each kind."""
    output, sha256 = contract.output, Digest.of(model.read_bytes()).sha256
    gaussian = Gaussian((200.0, 8.0, 10.0), ((0.01,), (0.0, 0.2), (0.001, 0.0, 0.2)))
    evidence, limit = Evidence("none"), float(np.float32(2.5))
    thresholds = dict.fromkeys(output.classes, float(np.float32(0.25)))
    widths = {name: 0.5 + place for place, name in enumerate(output.values)}
    sets: dict[str, Any] = {"conformal_thresholds": thresholds, "set_thresholds": thresholds}
    names = output.classes or ("rows",)
    distance: dict[str, Any] = {"gaussians": dict.fromkeys(names, gaussian), "distance_limit": limit, "inputs": KNOWN}
    parts = {
        "classes": {**sets, **distance},
        "binary": sets,
        "label": distance,
        "number": {"half_widths": widths, **distance},
        "numbers": {"half_widths": widths},
    }
    return Uncertainty(sha256, 0.95, evidence, **parts[kind])


class Compiled(NamedTuple):
    """A compiled model of apples."""

    kind: str
    contract: Contract
    model: Path
    bundle_path: Path

    @property
    def booster(self) -> xgboost.Booster:
        return xgboost.Booster({"nthread": 1}, model_file=self.model)

    def load(self) -> Bundle:
        return load_bundle(self.bundle_path)

    def rows(self, count: int, seed: int = 1, missing: float = 0.2) -> Rows:
        return rows_of(self.contract, count, seed, missing)

    def documents(self, count: int, seed: int = 1) -> list[dict[str, Any]]:
        return [document_of(self.contract, row) for row in self.rows(count, seed)]


def apples_in(directory: Path, kind: str) -> Compiled:
    """Return the model in this directory, which is made if it is not there."""
    found = Compiled(kind, contract_of(kind), directory / "model.json", directory / "bundle")
    if not found.bundle_path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        grown(found.contract, found.model, OBJECTIVES[kind])
        uncertainty = judged_by(kind, found.contract, found.model)
        (directory / UNCERTAINTY_FILE).write_bytes(encode(uncertainty))
        compiled(found.contract, found.model, found.bundle_path)
    return found
