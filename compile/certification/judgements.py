"""Distances and prediction sets, computed in numpy as the oracle of the compiled ones, and compared with them."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from binding.library import Library
from compile.certification.probes import Rows
from contract.refusal import Refusal
from contract.uncertainty import UNCERTAINTY_FILE, Uncertainty, squared_distance


class Judgements(NamedTuple):
    """How far to trust the answers to rows. All arrays are (rows,).

    `distances` are float32, `inside` is whether each row is in distribution, `sets` are the prediction sets as bits.
    """

    distances: npt.NDArray[np.float32]
    inside: npt.NDArray[np.int32]
    sets: npt.NDArray[np.int32]


def judge(uncertainty: Uncertainty, measurements: Rows, probabilities: Rows) -> Judgements:
    """Judge rows in float32, rounded as the C rounds. The sets come from the given probabilities (rows, classes)."""
    least = np.full(len(measurements), np.inf, dtype=np.float32)
    columns = list(measurements.T)
    with np.errstate(all="ignore"):
        for gaussian in uncertainty.gaussians.values():
            squared = squared_distance(columns, gaussian)
            least = np.where(squared < least, squared, least)
    distances = np.sqrt(least)
    thresholds = np.array(list(uncertainty.set_thresholds.values()), dtype=np.float32)
    bits = np.int32(1) << np.arange(len(thresholds), dtype=np.int32)
    return Judgements(
        distances,
        (distances <= np.float32(uncertainty.distance_limit)).astype(np.int32),
        ((probabilities >= thresholds) * bits).sum(axis=1).astype(np.int32),
    )


def check_judgements(library: Library, uncertainty: Uncertainty | None, asked: Rows, measurements: Rows) -> int:
    """Return how many rows were compared, one at a time and in a batch. Raises Refusal at the first difference.

    `measurements` are the rows `asked`, with NaN for missing values.
    """
    if library.has_uncertainty != (uncertainty is not None):
        raise Refusal(
            f"the library and the model do not agree on whether there is a {UNCERTAINTY_FILE}; compile the model again"
        )
    if uncertainty is None:
        return 0
    singly = [library.predict(tuple(row)) for row in asked.tolist()]
    probabilities = np.array([list(answer[1].values()) for answer in singly], dtype=np.float32)
    _, _, sets, inside, distances = zip(*singly, strict=True)
    one_by_one = Judgements(np.array(distances, np.float32), np.array(inside, np.int32), np.array(sets, np.int32))
    _compare(judge(uncertainty, measurements, probabilities), one_by_one, measurements)
    for shares in (probabilities, _at_thresholds(uncertainty, measurements)):
        _compare(judge(uncertainty, measurements, shares), _judge_batch(library, asked, shares), measurements)
    return len(asked)


def _judge_batch(library: Library, measurements: Rows, probabilities: Rows) -> Judgements:
    found = library.judge_rows(measurements.tobytes(), probabilities.tobytes(), len(measurements))
    return Judgements(
        np.frombuffer(found.distances, np.float32),
        np.frombuffer(found.in_distribution, np.int32),
        np.frombuffer(found.prediction_sets, np.int32),
    )


def _at_thresholds(uncertainty: Uncertainty, measurements: Rows) -> Rows:
    """Return probabilities (rows, classes) at each class's threshold or one of its float32 neighbours.

    No model gave them.
    """
    thresholds = np.array(list(uncertainty.set_thresholds.values()), dtype=np.float32)
    around = np.stack([np.nextafter(thresholds, np.float32(side)) for side in (0, 1)] + [thresholds])
    return around[
        np.random.default_rng(3).integers(len(around), size=(len(measurements), len(thresholds))),
        range(len(thresholds)),
    ]


def _compare(expected: Judgements, found: Judgements, measurements: Rows) -> None:
    for name, wanted, given in _fields(expected, found):
        wrong = wanted != given
        if wrong.any():
            i = int(wrong.argmax())
            raise Refusal(
                f"the compiled distances and prediction sets differ from numpy on {int(wrong.sum())} of {len(wrong)} "
                f"rows, first on {measurements[i].tolist()}: {name} expected {wanted[i]}, found {given[i]} (as bits); "
                "try another compiler (CC=clang or CC=gcc) and report the model"
            )


def _fields(
    expected: Judgements, found: Judgements
) -> Iterator[tuple[str, npt.NDArray[np.int32], npt.NDArray[np.int32]]]:
    """Yield pairs of arrays by name, to be compared bit for bit."""
    yield "distance", expected.distances.view(np.int32), found.distances.view(np.int32)
    yield "in distribution", expected.inside, found.inside
    yield "prediction set", expected.sets, found.sets
