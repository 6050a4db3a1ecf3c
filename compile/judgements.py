"""How far to trust answers: computed in numpy as the oracle of the compiled reference, and compared with it."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.library import Library
from compile.probes import Rows
from contract.reference import Reference, squared_distance
from contract.refusal import Refusal


class Judgements(NamedTuple):
    """Of rows: the distance as float32, whether it is in distribution, and the prediction set as bits."""

    distances: npt.NDArray[np.float32]
    inside: npt.NDArray[np.int32]
    sets: npt.NDArray[np.int32]


def judge(reference: Reference, measurements: Rows, probabilities: Rows) -> Judgements:
    """In float32, rounded as the C rounds. The sets follow from the probabilities given."""
    least = np.full(len(measurements), np.inf, dtype=np.float32)
    columns = list(measurements.T)
    with np.errstate(all="ignore"):
        for gaussian in reference.gaussians.values():
            squared = squared_distance(columns, gaussian)
            least = np.where(squared < least, squared, least)
    distances = np.sqrt(least)
    thresholds = np.array(list(reference.set_thresholds.values()), dtype=np.float32)
    bits = np.int32(1) << np.arange(len(thresholds), dtype=np.int32)
    return Judgements(
        distances,
        (distances <= np.float32(reference.distance_limit)).astype(np.int32),
        ((probabilities >= thresholds) * bits).sum(axis=1).astype(np.int32),
    )


def check_judgements(library: Library, reference: Reference | None, measurements: Rows) -> int:
    """How many rows were compared, one at a time and together. Raises Refusal at the first that differs."""
    if library.has_reference != (reference is not None):
        raise Refusal("the library was made with another reference than the model's; compile the model again")
    if reference is None:
        return 0
    singly = [library.predict(tuple(row)) for row in measurements.tolist()]
    probabilities = np.array([list(answer[1].values()) for answer in singly], dtype=np.float32)
    _, _, sets, inside, distances = zip(*singly, strict=True)
    one_by_one = Judgements(np.array(distances, np.float32), np.array(inside, np.int32), np.array(sets, np.int32))
    _compare(judge(reference, measurements, probabilities), one_by_one, measurements)
    for shares in (probabilities, _at_thresholds(reference, measurements)):
        _compare(judge(reference, measurements, shares), _together(library, measurements, shares), measurements)
    return len(measurements)


def _together(library: Library, measurements: Rows, probabilities: Rows) -> Judgements:
    found = library.judge_rows(measurements.tobytes(), probabilities.tobytes(), len(measurements))
    return Judgements(
        np.frombuffer(found.distances, np.float32),
        np.frombuffer(found.in_distribution, np.int32),
        np.frombuffer(found.prediction_sets, np.int32),
    )


def _at_thresholds(reference: Reference, measurements: Rows) -> Rows:
    """Probabilities that no model gave: every class at its threshold, or at one of its float32 neighbours."""
    thresholds = np.array(list(reference.set_thresholds.values()), dtype=np.float32)
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
                f"the compiled reference differs from numpy on {int(wrong.sum())} of {len(wrong)} rows, first on "
                f"{measurements[i].tolist()}: {name} expected {wanted[i]}, found {given[i]} (as bits); "
                "try another compiler (CC=clang or CC=gcc) and report the model"
            )


def _fields(
    expected: Judgements, found: Judgements
) -> Iterator[tuple[str, npt.NDArray[np.int32], npt.NDArray[np.int32]]]:
    """Pairs of arrays, by name, to be compared bit for bit."""
    yield "distance", expected.distances.view(np.int32), found.distances.view(np.int32)
    yield "in distribution", expected.inside, found.inside
    yield "prediction set", expected.sets, found.sets
