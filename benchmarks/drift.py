"""python -m benchmarks.drift: what drift is seen and how soon, and how often there is an alarm without any.

The population is three Gaussians, one a species, fitted to the training data and mixed as there; a reference of as many
birds is drawn from it for every run, so nothing is compared with itself. Rows go through the model's own library.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.bundle import load_bundle
from app.library import Library
from benchmarks.machine import heading
from contract.drift import CONFIDENCE, QUIET_DAYS, SPECIES_VARIABLE, Reference, Variable, judge
from contract.features import MEASUREMENT_NAMES
from contract.files import write_atomically
from contract.refusal import exit_status
from contract.species import SPECIES
from train.drift import quantile_edges, variable, with_range
from train.penguins import Penguins, load

PAGE = Path("docs/drift.md")
BUNDLE = Path("artifacts/bundle")
A_DAY = 1_000  # requests
RUNS = 20  # of QUIET_DAYS each
TRIALS = 100  # of each kind of drift
SIZES = (200, 300, 400, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000, 20_000)  # requests after which one looks

Rows = npt.NDArray[np.float32]
Drift = Callable[[Rows, np.random.Generator], Rows]


class Population:
    """Birds without end."""

    def __init__(self, penguins: Penguins) -> None:
        groups = [penguins.measurements[penguins.labels == label] for label in range(len(SPECIES))]
        self._means = [group.mean(axis=0) for group in groups]
        self._covariances = [np.cov(group.T) for group in groups]
        self._shares = np.array([len(group) for group in groups]) / len(penguins.labels)

    def draw(self, rows: int, generator: np.random.Generator, only: int | None = None) -> Rows:
        """Float32 (rows, measurements), as finely as birds are measured."""
        drawn = []
        for label, number in enumerate(generator.multinomial(rows, self._shares)):
            wanted = number if only is None else rows if only == label else 0
            drawn.append(generator.multivariate_normal(self._means[label], self._covariances[label], wanted))
        table = np.concatenate(drawn)
        generator.shuffle(table)
        return rounded(table)


def rounded(table: npt.NDArray[np.float64]) -> Rows:
    """To 0.1 mm of a bill, 1 mm of a flipper, 25 g."""
    steps = np.array([0.1, 0.1, 1, 25])
    fine: Rows = (np.round(table / steps) * steps).astype(np.float32)
    return fine


def columns(library: Library, rows: Rows) -> dict[str, npt.NDArray[np.float64]]:
    """All variables that are watched."""
    batch = library.predict_rows(rows.tobytes(), 0, len(rows))
    probabilities = np.frombuffer(batch.probabilities, np.float32).reshape(len(rows), -1)
    found = dict(zip(MEASUREMENT_NAMES, rows.T.astype(np.float64), strict=True))
    found[CONFIDENCE] = probabilities.max(axis=1).astype(np.float64)
    found[SPECIES_VARIABLE] = probabilities.argmax(axis=1).astype(np.float64)
    return found


def reference(table: dict[str, npt.NDArray[np.float64]]) -> Reference:
    """As training makes it."""
    edges = {name: quantile_edges(column) for name, column in table.items()}
    edges[SPECIES_VARIABLE] = tuple(label + 0.5 for label in range(len(SPECIES) - 1))
    found = {name: variable(column, edges[name], len(table)) for name, column in table.items()}
    return Reference(
        {name: with_range(each, table[name]) if name in MEASUREMENT_NAMES else each for name, each in found.items()}
    )


def alarms(known: Reference, live: dict[str, npt.NDArray[np.float64]]) -> list[str]:
    """The variables that have drifted."""
    return [
        name
        for name, each in known.variables.items()
        if judge(name, each, counts(each, live[name]), len(known.variables), outside(each, live[name])).drifted
    ]


def counts(each: Variable, column: npt.NDArray[np.float64]) -> list[int]:
    """Rows in each bin: what `contract.drift.count` gives, faster."""
    found: list[int] = np.bincount(
        np.searchsorted(np.array(each.edges), column, side="left"), minlength=len(each.counts)
    ).tolist()
    return found


def outside(each: Variable, column: npt.NDArray[np.float64]) -> int:
    """Rows far from all that was trained on."""
    return int(((column < each.low) | (column > each.high)).sum())


def calliper(rows: Rows, _: np.random.Generator) -> Rows:
    """A calliper shows bills 5 % too long."""
    return rows * np.array([1.05, 1, 1, 1], np.float32)


def worse_calliper(rows: Rows, _: np.random.Generator) -> Rows:
    """10 % too long."""
    return rows * np.array([1.10, 1, 1, 1], np.float32)


def pounds(rows: Rows, generator: np.random.Generator) -> Rows:
    """One request in twenty has pounds for grams by way of a wrong factor: 2.2 times too much, within the bounds."""
    changed = rows.copy()
    changed[generator.random(len(rows)) < 0.05, 3] *= 2.2046
    return np.clip(changed, None, 9000)


def quiet_days(population: Population, library: Library, generator: np.random.Generator) -> tuple[int, int]:
    """Days with an alarm, and runs of QUIET_DAYS without any."""
    days = quiet = 0
    for _ in range(RUNS):
        known = reference(columns(library, population.draw(342, generator)))
        found = sum(bool(alarms(known, columns(library, population.draw(A_DAY, generator)))) for _ in range(QUIET_DAYS))
        days += found
        quiet += found == 0
    return days, quiet


def detected_after(draw: Callable[[int], Rows], known: Callable[[], Reference], library: Library) -> int | None:
    """The fewest requests after which 95 of 100 trials have an alarm."""
    for size in SIZES:
        if sum(bool(alarms(known(), columns(library, draw(size)))) for _ in range(TRIALS)) >= 0.95 * TRIALS:
            return size
    return None


def measure() -> list[str]:
    """The page's lines."""
    library = load_bundle(BUNDLE).library
    population, generator = Population(load()), np.random.default_rng(0)
    references = [reference(columns(library, population.draw(342, generator))) for _ in range(10)]

    def known() -> Reference:
        return references[int(generator.integers(len(references)))]

    def drifting(change: Drift) -> Callable[[int], Rows]:
        return lambda size: change(population.draw(size, generator), generator)

    kinds: list[tuple[str, Callable[[int], Rows]]] = [
        ("bills measured 5 % too long", drifting(calliper)),
        ("bills measured 10 % too long", drifting(worse_calliper)),
        ("masses 2.2 times too large in 5 % of requests (pounds for kilograms)", drifting(pounds)),
        *((f"only {name}", only(population, label, generator)) for label, name in enumerate(SPECIES)),
    ]
    lines = []
    for name, draw in kinds:
        size = detected_after(draw, known, library)
        lines.append(f"| {name} | {size or f'not within {SIZES[-1]:,}'} |")
    days, quiet = quiet_days(population, library, generator)
    return [
        "| drift | requests until 95 of 100 trials have an alarm |",
        "| --- | --: |",
        *lines,
        "",
        f"Without any drift: {days} of {RUNS * QUIET_DAYS:,} days of {A_DAY:,} requests had an alarm;",
        f"{quiet} of {RUNS} runs of {QUIET_DAYS} days had none.",
    ]


def only(population: Population, label: int, generator: np.random.Generator) -> Callable[[int], Rows]:
    """A colony with one species."""
    return lambda size: population.draw(size, generator, label)


def main() -> None:
    """Write the page and print it. Raises Refusal."""
    lines = [
        *heading("Drift", "make drift"),
        *(__doc__ or "").split("\n\n")[1].strip().split("\n"),
        f"One looks after {', '.join(f'{size:,}' for size in SIZES)} requests.",
        "",
        *measure(),
        "",
    ]
    write_atomically(PAGE, "\n".join(lines).encode())
    print("\n".join(lines))


if __name__ == "__main__":
    sys.exit(exit_status(main))
