"""The matrix: XGBoost's version x booster x objective x kind of feature, and which cells XGBoost itself can train.

This module needs nothing but the standard library: the XGBoost of any version imports it.
"""

import itertools
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

VERSIONS = (
    *("0.90", "1.0.2", "1.1.1", "1.3.3", "1.5.2", "1.7.6", "2.0.3", "2.1.4", "3.0.5", "3.1.3", "3.2.0"),
    *("3.3.0", "3.4.1"),
)
BOOSTERS = ("gbtree", "forest", "dart", "gblinear")  # forest: gbtree with num_parallel_tree
OBJECTIVES = {  # the version that has it first, and the task that it learns
    "multi:softprob": ("0.90", "classes"),
    "multi:softmax": ("0.90", "classes"),
    "binary:logistic": ("0.90", "binary"),
    "reg:squarederror": ("0.90", "real"),
    "binary:logitraw": ("0.90", "binary"),
    "binary:hinge": ("0.90", "binary"),
    "reg:linear": ("0.90", "real"),  # the old name of reg:squarederror
    "reg:squaredlogerror": ("1.0", "positive"),
    "reg:logistic": ("0.90", "share"),
    "reg:pseudohubererror": ("1.3", "real"),
    "reg:absoluteerror": ("1.7", "real"),
    "reg:quantileerror": ("2.0", "real"),
    "reg:expectileerror": ("3.3", "real"),
    "reg:gamma": ("0.90", "positive"),
    "reg:tweedie": ("0.90", "positive"),
    "count:poisson": ("0.90", "count"),
    "survival:cox": ("0.90", "hazard"),
    "survival:aft": ("1.1", "lifetime"),
    "rank:pairwise": ("0.90", "relevance"),
    "rank:ndcg": ("0.90", "relevance"),
    "rank:map": ("0.90", "relevant"),
}
FEATURES = ("plain", "missing", "named", "one-hot", "partitions")
WITHOUT_FORESTS = {"reg:absoluteerror", "reg:quantileerror"}  # from 2.0 to 3.2
SITUATION = "situation"

Version = tuple[int, ...]


class Cell(NamedTuple):
    """One model: the XGBoost that trains it, and what it is. `situation` names how, where the others do not say all."""

    version: str
    booster: str
    objective: str
    features: str
    situation: str = ""

    @property
    def name(self) -> str:
        """The name of its files, without their ending; unique within a version."""
        if self.situation:
            return f"{SITUATION}.{self.situation}"
        return f"{self.booster}.{self.objective.replace(':', '-')}.{self.features}"

    @property
    def number(self) -> int:
        """A number that is the same on every machine and in every run, to choose evenly by."""
        return zlib.crc32(f"{self.version} {self.name}".encode())


def version_of(text: str) -> Version:
    """Return a version as numbers, to compare."""
    return tuple(map(int, text.split(".")))


def formats(version: str) -> tuple[str, ...]:
    """Return the endings of the files that this XGBoost writes: JSON came with 1.0, UBJSON with 1.6."""
    if version_of(version) < (1,):
        return ("bin",)
    return ("json",) if version_of(version) < (1, 6) else ("json", "ubj")


def grid(version: str) -> Iterator[Cell]:
    """Yield the cells of a version that XGBoost can train, without situations."""
    for booster, objective, features in itertools.product(BOOSTERS, OBJECTIVES, FEATURES):
        if _is_trained(version_of(version), booster, objective, features):
            yield Cell(version, booster, objective, features)


def _is_trained(version: Version, booster: str, objective: str, features: str) -> bool:
    if version < version_of(OBJECTIVES[objective][0]):
        return False
    if booster == "forest" and objective in WITHOUT_FORESTS and (2, 0) <= version < (3, 3):
        return False
    if features in ("one-hot", "partitions"):
        return booster != "gblinear" and version >= (1, 6)
    return True


def pairwise(cells: Iterable[Cell]) -> list[Cell]:
    """Choose cells so that every two values of two dimensions that are together in a cell are together in a chosen one.

    Greedy: the next cell is the first of those that add most pairs.
    """
    left = {cell: _pairs(cell) for cell in cells}
    chosen = []
    while left:
        best = max(left, key=lambda cell: len(left[cell]))
        covered = left[best]
        chosen.append(best)
        left = {cell: pairs - covered for cell, pairs in left.items() if pairs - covered}
    return chosen


def _pairs(cell: Cell) -> set[tuple[tuple[int, str], ...]]:
    return set(itertools.combinations(enumerate(cell[:4]), 2))
