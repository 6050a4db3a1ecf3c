"""What a contender is: it prepares as long as it likes, then one call is timed."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from benchmarks.contenders.models import Model, Rows


class Answers(NamedTuple):
    """What a contender answers: probabilities and margins (rows, outputs), labels (rows,); None if absent."""

    probabilities: Rows | None = None
    margins: Rows | None = None
    labels: npt.NDArray[np.int32] | None = None


class Entry(NamedTuple):
    """`take` makes the contender's natural input, before the clock; `call` is timed; `read` is for checking it."""

    call: Callable[[Any], Any]
    take: Callable[[Rows], Any]
    read: Callable[[Any], Answers]


class Contender(Protocol):
    """A module of this folder."""

    NAME: str  # in tables

    def prepare(self, model: Model, rows: int, /) -> Entry:
        """Return the entry for calls with so many rows."""
        ...


def by_probabilities(model: Model, ask: Callable[[Rows], Rows]) -> Entry:
    """Return the entry of a contender that answers rows of features with probabilities, of any shape."""
    features = model.features
    return Entry(lambda inputs: ask(features(inputs)), lambda inputs: inputs, read_probabilities)


def read_probabilities(found: Any) -> Answers:
    """Read an array of probabilities of any shape; if there are two classes it has the second."""
    array = np.asarray(found, dtype=np.float32)
    return Answers(probabilities=array.reshape(len(array), -1))
