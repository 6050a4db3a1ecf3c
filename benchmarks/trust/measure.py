"""Who is refused, who is called out of distribution, and what it costs to know."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from app.guesses import guess
from app.library import Library
from app.predict import predictor
from app.serving import Served, Serving
from benchmarks.compiled import compiled
from benchmarks.plan import Effort
from benchmarks.timing import Starter, race
from benchmarks.trust.cases import AS_THEY_ARE, Rows, mistakes, points
from bundle.fetch import read_directory
from bundle.verify import IN_PLACE
from contract.files import write_atomically
from contract.manifest import TRAINING_FILE
from contract.measurements import MEASUREMENTS, Measurements
from contract.reference import REFERENCE_FILE, Reference
from contract.species import SPECIES
from contract.training import TrainingSummary
from train.distances import distances, fit_gaussians
from train.evaluate import hold_out
from train.features import features
from train.penguins import load

MODEL = "penguin_model.json"
EFFORT = Effort(seconds=4, least_rounds=15, most_rounds=2_000)
TIMED_ROWS = 100_000
REPEATS = 31


class Figures(NamedTuple):
    """Shares of the rows of a case. `mended`: of those refused, the suggestion was the very bird; `wrong`: another."""

    name: str
    rows: int
    refused: float
    mended: float
    wrong: float
    unusual: float  # of all, by their distance alone
    noticed: float  # refused, or answered as out of distribution


class Cost(NamedTuple):
    """Nanoseconds. `distance`: of one bird among many, in C; the handlers': of a whole body to a whole answer."""

    distance: float
    handler: float
    handler_alone: float  # of the same model, compiled without a reference


class Trust(NamedTuple):
    """All there is to say."""

    training: TrainingSummary
    reference: Reference
    cases: list[Figures]
    cost: Cost


def measure(artifacts: Path, effort: Effort = EFFORT) -> Trust:
    """For the bundle in `artifacts`. Raises Refusal where there is none."""
    verified = read_directory(artifacts / "bundle", IN_PLACE)
    reference = msgspec.json.decode(verified.files[REFERENCE_FILE], type=Reference)
    training = msgspec.json.decode(verified.files[TRAINING_FILE], type=TrainingSummary)
    library = Library(verified.library, SPECIES)
    return Trust(training, reference, list(_cases(library, reference)), _cost(library, artifacts, effort))


def _cases(library: Library, reference: Reference) -> Iterator[Figures]:
    birds = load()
    decimals = birds.measurements.astype(str).astype(np.float64)
    folds = hold_out(features(birds.measurements), birds.labels, repeats=1).folds[0]
    for name, change in [AS_THEY_ARE, *mistakes()]:
        changed = change(decimals)
        nearest = np.empty(len(changed), np.float32)
        for fold in np.unique(folds):
            others = folds != fold
            gaussians = fit_gaussians(birds.measurements[others], birds.labels[others])
            nearest[~others] = distances(changed[~others].astype(np.float32), gaussians)
        yield _figures(name, changed, decimals, nearest > reference.distance_limit)
    for name, rows in points():
        yield _figures(name, rows, None, ~_in_distribution(library, rows))


def _in_distribution(library: Library, rows: Rows) -> npt.NDArray[np.bool_]:
    """As the library judges."""
    nothing = bytes(4 * len(rows) * len(SPECIES))
    judged = library.judge_rows(rows.astype(np.float32).tobytes(), nothing, len(rows))
    return np.frombuffer(judged.in_distribution, np.int32).astype(np.bool_)


def _figures(name: str, rows: Rows, meant: Rows | None, unusual: npt.NDArray[np.bool_]) -> Figures:
    low = np.array([measurement.minimum for measurement in MEASUREMENTS])
    high = np.array([measurement.maximum for measurement in MEASUREMENTS])
    refused = ((rows < low) | (rows > high)).any(axis=1)
    mended = wrong = 0
    if meant is not None:
        for row, bird in zip(rows[refused].tolist(), meant[refused].tolist(), strict=True):
            found = guess(Measurements(*row))
            right = found is not None and np.allclose(msgspec.structs.astuple(found.suggestion), bird, rtol=1e-4)
            mended += right
            wrong += found is not None and not right
    count = max(1, int(refused.sum()))
    noticed = float((refused | unusual).mean())
    shares = mended / count, wrong / count, float(unusual.mean())
    return Figures(name, len(rows), float(refused.mean()), *shares, noticed)


def _cost(library: Library, artifacts: Path, effort: Effort) -> Cost:
    alone = _without_reference(artifacts)
    bodies = [msgspec.json.encode(Measurements(*row)) for row in load().measurements.astype(np.float64).tolist()]
    handlers = {name: predictor(Serving(Served(one, name))) for name, one in (("judged", library), ("alone", alone))}
    times = race({name: Starter(handler, bodies, 2.0) for name, handler in handlers.items()}, effort)
    judged, plain = (1000 * statistics.median(times[name].wall_us) for name in ("judged", "alone"))
    return Cost(_distance_ns(library), judged, plain)


def _distance_ns(library: Library) -> float:
    """Distance, comparison and prediction set, one bird after the other; the median of several passes."""
    birds = load().measurements
    rows = np.resize(birds, (TIMED_ROWS, birds.shape[1])).tobytes()
    shares = np.full((TIMED_ROWS, len(SPECIES)), 1 / 3, np.float32).tobytes()
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter_ns()
        library.judge_rows(rows, shares, TIMED_ROWS)
        taken.append((time.perf_counter_ns() - start) / TIMED_ROWS)
    return statistics.median(taken)


def _without_reference(artifacts: Path) -> Library:
    """The same model, compiled where nothing lies beside it."""
    with tempfile.TemporaryDirectory(prefix="trust-") as directory:
        copy = Path(directory) / MODEL
        write_atomically(copy, (artifacts / MODEL).read_bytes())
        return Library(read_directory(compiled(copy), IN_PLACE).library, SPECIES)
