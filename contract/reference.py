"""The birds that the model knows, for judging its answers. Written by training as `reference.json`.

The law of the distance is here, once: training computes it with numpy, the compiler writes it as C, both in the same
float32 arithmetic, so both get the same bits.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Protocol, Self, TypeVar

import msgspec
from msgspec import Meta

from contract.manifest import Sha256

REFERENCE_FILE = "reference.json"
MOST_CLASSES = 31  # a prediction set is the bits of an int32

Share = Annotated[float, Meta(ge=0, le=1)]


class Arithmetic(Protocol):
    """What a distance can be computed of."""

    def __sub__(self, other: float, /) -> Self: ...
    def __mul__(self, other: Any, /) -> Self: ...
    def __add__(self, other: Self, /) -> Self: ...


Column = TypeVar("Column", bound=Arithmetic)


class Gaussian(msgspec.Struct, frozen=True):
    """One species' measurements. All numbers are float32 values.

    `whitening` is lower triangular, a row for each measurement: the inverse of the Cholesky factor of the covariance.
    """

    mean: tuple[float, ...]
    whitening: tuple[tuple[float, ...], ...]


class Evidence(msgspec.Struct, frozen=True):
    """What was measured on held-out birds with thresholds that had not seen them either; shares of all held-out birds.

    `coverage` is how often the prediction set holds the bird's own species, by species; `conformal_coverage` the same
    for the conformal threshold alone.
    """

    protocol: str
    coverage: dict[str, Share]
    conformal_coverage: dict[str, Share]
    mean_set_size: float
    false_alarms: Share


class Reference(msgspec.Struct, frozen=True):
    """What an answer is judged by; dicts are by species, in the order of the classes.

    A species is in the prediction set where its probability is at least its `set_thresholds` (float32 values), the
    smaller of its `conformal_thresholds` and 1 - `level`. A bird is in distribution where its distance, the smallest
    Mahalanobis distance to a species, is at most `distance_limit` (a float32 value).
    """

    model_sha256: Sha256
    level: float
    conformal_thresholds: dict[str, float]
    set_thresholds: dict[str, float]
    gaussians: dict[str, Gaussian]
    distance_limit: float
    evidence: Evidence


def squared_distance(measurements: Sequence[Column], gaussian: Gaussian) -> Column:
    """The squared Mahalanobis distance of columns of measurements, in the order of the contract, to one species.

    A column is anything with arithmetic: a float32 array in training, an expression of C in compilation. Every
    operation is rounded to float32, in the order in which it is written here.
    """
    deviations = [column - mean for column, mean in zip(measurements, gaussian.mean, strict=True)]
    squares = [_square(_dot(deviations, row)) for row in gaussian.whitening]
    return _sum(squares)


def _dot(deviations: Sequence[Column], row: tuple[float, ...]) -> Column:
    return _sum([deviation * weight for deviation, weight in zip(deviations, row, strict=False)])  # lower triangular


def _square(column: Column) -> Column:
    return column * column


def _sum(terms: Sequence[Column]) -> Column:
    total = terms[0]
    for term in terms[1:]:
        total = total + term  # `+=` would change an array in place
    return total
