"""How far to trust an answer: prediction sets or intervals, and the distance to the known rows. Evaluation writes them.

The formula of the distance is defined here. Evaluation computes it with numpy, and compile/native/reference.h follows
it in C. Both use the same float32 operations in the same order, so both get the same bits; the certificate proves it.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Protocol, Self, TypeVar

import msgspec
from msgspec import Meta

from contract.manifest import Sha256

UNCERTAINTY_FILE = "reference.json"  # its name in bundles and in artifacts/
MAX_INPUTS = 64  # of a distance
PERCENTS = (80, 90, 95, 99)  # the levels of sets that are made from p-values

Share = Annotated[float, Meta(ge=0, le=1)]


class Arithmetic(Protocol):
    """A type that a distance can be computed with."""

    def __sub__(self, other: float, /) -> Self: ...
    def __mul__(self, other: Any, /) -> Self: ...
    def __add__(self, other: Self, /) -> Self: ...


Column = TypeVar("Column", bound=Arithmetic)


class Gaussian(msgspec.Struct, frozen=True):
    """The inputs of one class, or of all rows, as a normal distribution. All numbers are float32 values.

    `whitening` is a lower triangular matrix with one row for each input: the inverse of the Cholesky factor of the
    covariance.
    """

    mean: tuple[float, ...]
    whitening: tuple[tuple[float, ...], ...]


class LevelEvidence(msgspec.Struct, frozen=True):
    """What was measured on held-out rows at one level, by the protocol of Evidence. All shares are of held-out rows.

    `coverage`, `mean_size` and `empty` are those of the sets from p-values: by class, in classes, and the share of sets
    without a class. `served_coverage` and `served_mean_size` are those of the sets by the rule of `set_thresholds`,
    were this the level; that rule leaves no set empty.
    """

    level: float
    coverage: dict[str, Share]
    mean_size: float
    empty: Share
    served_coverage: dict[str, Share]
    served_mean_size: float


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was measured on held-out rows, as `protocol` says. All shares are of held-out rows.

    `coverage` is how often the prediction set contains the true class, by class, or the interval the true number, by
    name. `conformal_coverage` is that for the conformal threshold alone. `mean_set_size` is in classes. `false_alarms`
    is the share of rows that were called out of distribution. `levels` has the figures of sets from p-values.
    """

    protocol: str
    coverage: dict[str, Share] = {}
    conformal_coverage: dict[str, Share] = {}
    mean_set_size: float | None = None
    false_alarms: Share | None = None
    levels: tuple[LevelEvidence, ...] = ()


class Uncertainty(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an answer is judged by. The dicts are by class, in the order of the classes, or by the name of a number.

    A class is in the prediction set if its probability is at least its entry of `set_thresholds` (float32 values). That
    entry is the smallest of its `conformal_thresholds` entry, 1 - `level` and 1 / classes. The interval of a number
    reaches as far as its entry of `half_widths` (a float32 value, in the number's unit) to either side. A row is in
    distribution if its distance is at most `distance_limit` (a float32 value). The distance is the smallest Mahalanobis
    distance to one of `gaussians`: a class, or "rows" for all rows. They are over `inputs`, or over all inputs if that
    is empty. What could not be determined is empty or None.
    """

    model_sha256: Sha256
    level: float
    evidence: Evidence
    conformal_thresholds: dict[str, float] = {}
    set_thresholds: dict[str, float] = {}
    half_widths: dict[str, float] = {}
    gaussians: dict[str, Gaussian] = {}
    distance_limit: float | None = None
    inputs: tuple[str, ...] = ()
    calibration: dict[str, tuple[float, ...]] = {}


def squared_distance(measurements: Sequence[Column], gaussian: Gaussian) -> Column:
    """Return the squared Mahalanobis distance of measurements to one Gaussian.

    `measurements` are the columns of the distance's inputs, in order: float32 arrays. Every operation is rounded to
    float32, in the order in which it is written here.
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
