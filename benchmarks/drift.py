"""python -m benchmarks.drift [--quick]: what drift is seen, how soon, and how often there is an alarm without any."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.model.bundle import load_bundle
from benchmarks.machine import heading
from benchmarks.page import options, write_page
from benchmarks.tables import table
from binding.library import Library
from contract.drift import CONFIDENCE, QUIET_DAYS, SPECIES_VARIABLE, DriftBaseline, judge
from contract.features import MEASUREMENT_NAMES
from contract.refusal import exit_status
from contract.species import SPECIES
from train.drift import quantile_edges, variable, with_range
from train.penguins import Penguins, load

A_DAY = 1_000  # requests
RUNS = 20  # of QUIET_DAYS each
TRIALS = 100  # of each kind of drift
BIRDS = 342  # of a reference
SIZES = (200, 300, 400, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000, 20_000)  # requests after which one looks
STEPS = np.array([0.1, 0.1, 1, 25])  # how finely birds are measured: 0.1 mm of a bill, 1 mm of a flipper, 25 g

Rows = npt.NDArray[np.float32]
Columns = dict[str, npt.NDArray[np.float64]]  # all variables that are watched
Draw = Callable[[int], Rows]


class Population:
    """Birds without end: a Gaussian for each species, fitted to the training data and mixed like there."""

    def __init__(self, penguins: Penguins, library: Library) -> None:
        groups = [penguins.measurements[penguins.labels == label] for label in range(len(SPECIES))]
        self._gaussians = [(group.mean(axis=0), np.cov(group.T)) for group in groups]
        self._shares = np.array([len(group) for group in groups]) / len(penguins.labels)
        self._library, self.generator = library, np.random.default_rng(0)

    def draw(self, rows: int, only: int | None = None) -> Rows:
        """Draw float32 (rows, measurements) of all species, or of one."""
        drawn = []
        for label, number in enumerate(self.generator.multinomial(rows, self._shares)):
            wanted = number if only is None else rows if only == label else 0
            drawn.append(self.generator.multivariate_normal(*self._gaussians[label], wanted))
        birds = np.concatenate(drawn)
        self.generator.shuffle(birds)
        fine: Rows = (np.round(birds / STEPS) * STEPS).astype(np.float32)
        return fine

    def watch(self, rows: Rows) -> Columns:
        """Return what the service watches in these rows, which go through the model's own library."""
        batch = self._library.predict_rows(rows.tobytes(), 0, len(rows))
        probabilities = np.frombuffer(batch.probabilities, np.float32).reshape(len(rows), -1)
        found = dict(zip(MEASUREMENT_NAMES, rows.T.astype(np.float64), strict=True))
        found[CONFIDENCE] = probabilities.max(axis=1).astype(np.float64)
        found[SPECIES_VARIABLE] = probabilities.argmax(axis=1).astype(np.float64)
        return found

    def reference(self) -> DriftBaseline:
        """Return the baseline that training makes from as many birds as it has."""
        columns = self.watch(self.draw(BIRDS))
        edges = {name: quantile_edges(column) for name, column in columns.items()}
        edges[SPECIES_VARIABLE] = tuple(label + 0.5 for label in range(len(SPECIES) - 1))
        found = {name: variable(column, edges[name], len(columns)) for name, column in columns.items()}
        ranged = {name: with_range(found[name], columns[name]) for name in MEASUREMENT_NAMES}
        return DriftBaseline({**found, **ranged})


def alarm(known: DriftBaseline, live: Columns) -> bool:
    """Return whether any variable has drifted."""
    for name, each in known.variables.items():
        column = live[name]
        bins = np.searchsorted(np.array(each.edges), column, side="left")  # as contract.drift.count does, but faster
        counts = np.bincount(bins, minlength=len(each.counts)).tolist()
        outside = int(((column < each.low) | (column > each.high)).sum())  # far from all that was trained on
        if judge(name, each, counts, len(known.variables), outside).drifted:
            return True
    return False


def drifts(population: Population) -> dict[str, Draw]:
    """Return kinds of drift: callipers, units, and colonies with one species."""

    def longer(size: int, bills: float) -> Rows:
        return population.draw(size) * np.array([bills, 1, 1, 1], np.float32)

    def pounds(size: int) -> Rows:
        changed = population.draw(size)
        changed[population.generator.random(size) < 0.05, 3] *= 2.2046
        return np.clip(changed, None, 9000)

    return {
        "bills measured 5 % too long": partial(longer, bills=1.05),
        "bills measured 10 % too long": partial(longer, bills=1.10),
        "masses 2.2 times too large in 5 % of requests (pounds for kilograms)": pounds,
        **{f"only {name}": partial(population.draw, only=label) for label, name in enumerate(SPECIES)},
    }


def detected_after(draw: Draw, population: Population, references: list[DriftBaseline], trials: int) -> str:
    """Return the fewest requests after which 95 of 100 trials have an alarm."""
    for size in SIZES:
        known = (references[int(population.generator.integers(len(references)))] for _ in range(trials))
        if sum(alarm(reference, population.watch(draw(size))) for reference in known) >= 0.95 * trials:
            return f"{size}"
    return f"not within {SIZES[-1]:,}"


def quiet_days(population: Population, runs: int) -> tuple[int, int]:
    """Return the days with an alarm, and the runs of QUIET_DAYS without any."""
    days = []
    for _ in range(runs):
        known = population.reference()
        days.append(sum(alarm(known, population.watch(population.draw(A_DAY))) for _ in range(QUIET_DAYS)))
    return sum(days), days.count(0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, measure, and write the page. Returns the exit status."""
    quick, out = options("drift", arguments)
    trials, runs = (5, 1) if quick else (TRIALS, RUNS)

    def run() -> None:
        population = Population(load(), load_bundle(Path("artifacts/bundle")).library)
        references = [population.reference() for _ in range(10)]
        kinds = drifts(population).items()
        rows = [[name, detected_after(draw, population, references, trials)] for name, draw in kinds]
        days, quiet = quiet_days(population, runs)
        write_page(
            out / "drift.md",
            heading("Drift", "make drift"),
            sizes=", ".join(f"{size:,}" for size in SIZES),
            drifts=table(["drift", "requests until 95 of 100 trials have an alarm"], rows),
            quiet=f"{days} of {runs * QUIET_DAYS:,} days of {A_DAY:,} requests had an alarm;\n"
            f"{quiet} of {runs} runs of {QUIET_DAYS} days had none.",
        )

    return exit_status(run)


if __name__ == "__main__":
    sys.exit(main())
