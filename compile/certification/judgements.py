"""Distances and prediction sets, computed in numpy as the oracle of the compiled ones, and compared with them."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from binding.columns import Column, Limit
from binding.library import Judgement, Library, RowPrediction, Scored
from compile.certification.probes import Rows
from compile.reading.booster import CompilableModel
from compile.uncertainty import known_inputs
from contract.refusal import Refusal
from contract.schema import Contract
from contract.uncertainty import UNCERTAINTY_FILE, Uncertainty, squared_distance


class Judgements(NamedTuple):
    """How far to trust the answers to rows.

    `distances` (rows,) are float32, `inside` (rows,) is whether each row is in distribution. `sets` (rows, values) are
    1 for each class in the prediction set.
    """

    distances: npt.NDArray[np.float32]
    inside: npt.NDArray[np.int32]
    sets: npt.NDArray[np.uint8]


def judge(uncertainty: Uncertainty, contract: Contract, inputs: Rows, values: Rows) -> Judgements:
    """Judge rows in float32, rounded as the C rounds. The sets come from the given values (rows, values)."""
    least = np.full(len(inputs), np.inf, dtype=np.float32)
    columns = list(inputs.T[list(known_inputs(uncertainty, contract))])
    with np.errstate(all="ignore"):
        for gaussian in uncertainty.gaussians.values():
            squared = squared_distance(columns, gaussian)
            least = np.where(squared < least, squared, least)
    limit = uncertainty.distance_limit
    distances = np.full_like(least, np.nan) if limit is None else np.sqrt(least)
    inside = np.zeros(len(inputs), np.int32) if limit is None else (distances <= np.float32(limit)).astype(np.int32)
    thresholds = np.array(list(uncertainty.set_thresholds.values()), dtype=np.float32)
    sets = (values >= thresholds).astype(np.uint8) if len(thresholds) else np.zeros(values.shape, np.uint8)
    return Judgements(distances, inside, sets)


def check_judgements(library: Library, model: CompilableModel, asked: Rows, inputs: Rows) -> int:
    """Return how many rows were compared, singly and as rows and columns. Raises Refusal at the first difference.

    `inputs` are the rows `asked`, with NaN for missing values.
    """
    uncertainty, contract = model.uncertainty, model.contract
    if library.has_uncertainty != (uncertainty is not None):
        raise Refusal(
            f"the library and the model do not agree on whether there is a {UNCERTAINTY_FILE}; compile the model again"
        )
    if uncertainty is None:
        return 0
    singly = [library.predict(tuple(row)) for row in asked.tolist()]
    values = np.array([list(answer[1].values()) for answer in singly], dtype=np.float32)
    _compare(judge(uncertainty, contract, inputs, values), _judge_singly(singly), inputs)
    for given in (values, _at_thresholds(uncertainty, values)):
        found = library.judge_rows(asked.tobytes(), given.tobytes(), len(asked))
        _compare(judge(uncertainty, contract, inputs, given), _judgements(found, given.shape), inputs)
    scored = score_columns(library, asked)
    values = np.frombuffer(scored.batch.values, np.float32).reshape(values.shape)
    _compare(judge(uncertainty, contract, inputs, values), _judgements(scored.judgement, values.shape), inputs)
    return len(asked)


def score_columns(library: Library, rows: Rows, instruction_set: int | None = None) -> Scored:
    """Return the answers to rows of float32 that are asked as columns: NaN as values and as missing ones, by turns."""
    columns = []
    for place, values in enumerate(rows.T.astype(np.float64)):
        given = ~np.isnan(values)
        lead = place % 9  # rows before the first one: it may begin at any bit
        bits = np.packbits(np.concatenate([np.ones(lead, np.bool_), given]), bitorder="little").tobytes()
        shifted = np.concatenate([np.zeros(lead), np.where(given, values, 1.5)])
        columns.append(Column(shifted.tobytes(), bits, lead) if place % 2 else Column(values.tobytes()))
    return library.predict_columns(columns, [Limit()] * len(columns), len(rows), instruction_set)


def _judge_singly(singly: list[RowPrediction]) -> Judgements:
    _, named, members, inside, distances = zip(*singly, strict=True)
    sets = [[name in members for name in values] for values, members in zip(named, members, strict=True)]
    return Judgements(np.array(distances, np.float32), np.array(inside, np.int32), np.array(sets, np.uint8))


def _judgements(found: Judgement, shape: tuple[int, ...]) -> Judgements:
    return Judgements(
        np.frombuffer(found.distances, np.float32),
        np.frombuffer(found.in_distribution, np.int32),
        np.frombuffer(found.sets, np.uint8).reshape(shape),
    )


def _at_thresholds(uncertainty: Uncertainty, values: Rows) -> Rows:
    """Return probabilities (rows, values) at each class's threshold or one of its float32 neighbours.

    No model gave them. Without thresholds, return the values.
    """
    thresholds = np.array(list(uncertainty.set_thresholds.values()), dtype=np.float32)
    if not len(thresholds):
        return values
    around = np.stack([np.nextafter(thresholds, np.float32(side)) for side in (0, 1)] + [thresholds])
    return around[np.random.default_rng(3).integers(len(around), size=values.shape), range(len(thresholds))]


def _compare(expected: Judgements, found: Judgements, inputs: Rows) -> None:
    for name, wanted, given in (
        ("distance", expected.distances, found.distances),
        ("in distribution", expected.inside, found.inside),
        ("prediction set", expected.sets, found.sets),
    ):
        wrong = _different(wanted, given)
        if wrong.any():
            i = int(wrong.argmax())
            raise Refusal(
                f"the compiled distances and prediction sets differ from numpy on {int(wrong.sum())} of {len(wrong)} "
                f"rows, first on {inputs[i].tolist()}: {name} expected {wanted[i]}, found {given[i]}; "
                "try another compiler (CC=clang or CC=gcc) and report the model"
            )


def _different(wanted: npt.NDArray[Any], given: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return which rows do not have the same bits. Every NaN is the same."""
    if wanted.dtype == np.float32:
        wrong = (wanted.view(np.int32) != given.view(np.int32)) & ~(np.isnan(wanted) & np.isnan(given))
    else:
        wrong = (wanted != given).reshape(len(wanted), -1).any(axis=1)
    return np.asarray(wrong, dtype=np.bool_)
