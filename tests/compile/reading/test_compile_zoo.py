"""Boosters of every kind that can be compiled, each certified: the walk, the blocks, and tl2cgen's code."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import xgboost

from binding.library import Library
from compile.certification.parity import certify
from compile.reading.booster import read_model
from tests.support.libraries import TL2CGEN, WALK, built

pytestmark = pytest.mark.long


class Animal(NamedTuple):
    """One booster: its objective, its trees, and the data that it grows on."""

    objective: str
    depth: int
    trees: int = 5
    features: int = 6
    classes: int = 1
    missing: float = 0.0
    base_score: Any = None
    more: dict[str, Any] = {}  # noqa: RUF012  # never changed

    def grow(self, path: Path) -> Path:
        random = np.random.default_rng(abs(hash(self[:6])) % 2**32)
        rows = 60 * self.classes + 40 * self.depth + 200
        data = random.normal(size=(rows, self.features)).astype(np.float32)
        signal = np.nan_to_num(data).sum(axis=1) + random.normal(size=rows)
        data[random.random(data.shape) < self.missing] = np.nan
        label = signal if self.objective.startswith("reg") else np.digitize(signal, self._cuts(signal))
        parameters = {"objective": self.objective, "max_depth": self.depth, "seed": 0, "min_child_weight": 0}
        if self.classes > 1:
            parameters["num_class"] = self.classes
        if self.base_score is not None:
            parameters["base_score"] = self.base_score
        booster = xgboost.train({**parameters, **self.more}, xgboost.DMatrix(data, label), self.trees)
        booster.save_model(path)
        return path

    def _cuts(self, signal: Any) -> Any:
        count = max(self.classes, 2)
        return np.quantile(signal, np.arange(1, count) / count)


BINARY, SOFTPROB, SOFTMAX, REGRESSION = "binary:logistic", "multi:softprob", "multi:softmax", "reg:squarederror"

ZOO = [
    *(Animal(BINARY, depth) for depth in range(1, 13)),
    *(Animal(REGRESSION, depth, missing=0.3) for depth in (1, 2, 3, 5, 6, 7, 8, 9, 11)),
    *(Animal(SOFTPROB, 3, classes=classes, missing=0.1) for classes in (2, 3, 7, 20)),
    *(Animal(SOFTMAX, 4, classes=classes) for classes in (3, 10)),
    *(Animal(BINARY, 4, features=features, missing=0.2) for features in (1, 2, 17, 200)),
    Animal(BINARY, 6, trees=60),
    Animal(BINARY, 3, base_score=0.9),
    Animal(REGRESSION, 3, base_score=-1000.0),
    Animal(REGRESSION, 3, base_score=1e20),
    Animal(BINARY, 0, more={"max_leaves": 40, "grow_policy": "lossguide", "tree_method": "hist"}, missing=0.2),
    Animal(BINARY, 6, more={"tree_method": "exact", "gamma": 2.0}),
    Animal(BINARY, 5, more={"tree_method": "exact"}, missing=0.5),
    Animal(SOFTPROB, 2, classes=3, more={"num_parallel_tree": 4, "subsample": 0.5}),
    Animal(BINARY, 3, more={"reg_alpha": 1e9}),
    Animal(REGRESSION, 4, more={"max_bin": 1024, "tree_method": "hist"}, features=2),
    Animal(SOFTPROB, 10, classes=4, missing=0.4, trees=3),
]


@pytest.mark.parametrize("animal", ZOO, ids=lambda animal: f"{animal.objective}-{animal.depth}-{ZOO.index(animal)}")
def test_every_booster_is_answered_as_xgboost_answers(
    animal: Animal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every booster's library gives XGBoost's bits, row by row and in blocks."""
    monkeypatch.setattr(
        "compile.reading.document.saved_again", Path.read_bytes
    )  # a process less; it has tests of its own
    monkeypatch.setattr("compile.build.OPTIMIZED", "-O1")  # half the time; the shipped flags have tests of their own
    monkeypatch.setattr("compile.certification.probes.RANDOM_ROWS", 2_000)
    monkeypatch.setattr("compile.certification.probes.CONTEXTS", 1)
    model = read_model(animal.grow(tmp_path / "model.ubj"))
    tuning = TL2CGEN if ZOO.index(animal) % 2 else WALK
    asked, worst, *_ = certify(Library(built(model, tmp_path / "c", tuning)), model, None)
    assert asked["random"] == 2_000
    assert worst <= 1


def test_the_zoo_is_large_enough() -> None:
    """The zoo has at least thirty boosters of many depths, widths and classes."""
    assert len(ZOO) >= 30
    assert {animal.depth for animal in ZOO} >= set(range(1, 13))
    assert {animal.features for animal in ZOO} >= {1, 200}
    assert {animal.classes for animal in ZOO} >= {1, 2, 20}
    assert {bool(animal.missing) for animal in ZOO} == {True, False}
