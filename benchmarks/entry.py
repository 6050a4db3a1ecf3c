"""What a contender is: the right to prepare as long as it likes, then one call that is timed."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from benchmarks.models import Model, Rows


class Unsuitable(Exception):
    """The contender cannot take this model; the text says why."""


class Answers(NamedTuple):
    """What a contender says about rows: probabilities (rows, outputs), margins likewise, labels (rows,), or None."""

    probabilities: Rows | None = None
    margins: Rows | None = None
    labels: npt.NDArray[np.int32] | None = None


def as_is(rows: Rows) -> Any:
    """A numpy array is what most contenders take."""
    return rows


def probabilities(found: Any) -> Answers:
    """An array of probabilities, whatever its shape; of two classes that of the second."""
    array = np.asarray(found, dtype=np.float32)
    return Answers(probabilities=array.reshape(len(array), -1))


class Entry(NamedTuple):
    """`take` makes the contender's natural input, before the clock; `call` is timed; `read` is for checking it."""

    call: Callable[[Any], Any]
    take: Callable[[Rows], Any] = as_is
    read: Callable[[Any], Answers] = probabilities


class Contender(Protocol):
    """A module of `benchmarks.contenders`."""

    NAME: str  # as the tables say it
    VERSION: str

    def prepare(self, model: Model, rows: int, /) -> Entry:
        """The entry for calls with so many rows of the model's inputs. Raises Unsuitable."""
        ...

    def serve(self, model: Model, /) -> Entry:
        """The entry for one JSON body to one JSON answer. Raises Unsuitable."""
        ...
