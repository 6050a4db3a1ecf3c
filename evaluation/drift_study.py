"""python -m evaluation.drift_study [--quick]: what drift is seen, how soon, and how often an alarm is false.

A study of the penguins' model. It reads what `make compile` leaves: the birds, and the bundle's contract and trees.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from string import Template

import msgspec
import numpy as np
import numpy.typing as npt

from contract.drift import QUIET_DAYS, DriftBaseline, judge
from contract.files import write_atomically
from contract.refusal import Refusal, exit_status
from contract.schema import CONTRACT_FILE, Contract
from contract.trees import TREES_FILE, Forest
from evaluation.drift import answered, drift_baseline
from evaluation.forest import Evaluator
from evaluation.rows import HeldOutRows, read_rows

ARTIFACTS, PUBLISHED, PARTIAL = Path("artifacts"), Path("docs"), Path("artifacts/bench/partial")
A_DAY = 1_000  # requests
RUNS = 20  # of QUIET_DAYS each
TRIALS = 100  # of each kind of drift
REFERENCES = 10
SIZES = (200, 300, 400, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000, 20_000)  # requests after which one looks
STEPS = np.array([0.1, 0.1, 1, 25])  # how finely birds are measured: 0.1 mm of a bill, 1 mm of a flipper, 25 g
BILL, MASS = 0, 3  # the columns of the bill's length and of the mass

Rows = npt.NDArray[np.float32]  # (rows, inputs)
Columns = dict[str, npt.NDArray[np.float64]]  # all variables that are watched
Draw = Callable[[int], Rows]


class Population:
    """Birds without end: a Gaussian for each species, fitted to these birds and mixed like there."""

    def __init__(self, contract: Contract, birds: HeldOutRows, evaluator: Evaluator) -> None:
        groups = [birds.rows[birds.targets == label] for label in range(len(contract.output.classes))]
        self._gaussians = [(group.mean(axis=0), np.cov(group.T)) for group in groups]
        self._shares = np.array([len(group) for group in groups]) / len(birds.rows)
        self._evaluator, self._birds = evaluator, len(birds.rows)
        self.contract, self.generator = contract, np.random.default_rng(0)

    def draw(self, rows: int, only: int | None = None) -> Rows:
        """Draw birds of all species, or of one."""
        drawn = []
        for label, number in enumerate(self.generator.multinomial(rows, self._shares)):
            wanted = number if only is None else rows if only == label else 0
            drawn.append(self.generator.multivariate_normal(*self._gaussians[label], wanted))
        birds = np.concatenate(drawn)
        self.generator.shuffle(birds)
        fine: Rows = (np.round(birds / STEPS) * STEPS).astype(np.float32)
        return fine

    def watch(self, rows: Rows) -> Columns:
        """Return what the service watches in these rows and the answers to them."""
        values = self._evaluator.probabilities(rows)
        found = dict(zip(self.contract.input_names, rows.T.astype(np.float64), strict=True))
        found[self.contract.confidence_variable] = values.max(axis=1).astype(np.float64)
        found[self.contract.label_variable] = answered(self.contract, values).astype(np.float64)
        return found

    def reference(self) -> DriftBaseline:
        """Return the baseline that training makes from as many birds as it has."""
        rows = self.draw(self._birds)
        return drift_baseline(self.contract, rows, self._evaluator.probabilities(rows))


def read_population(artifacts: Path) -> tuple[Population, str]:
    """Return the population, and the digest of the model. Raises Refusal."""
    try:
        contract = msgspec.json.decode((artifacts / "bundle" / CONTRACT_FILE).read_bytes(), type=Contract)
        forest = msgspec.json.decode((artifacts / "bundle" / TREES_FILE).read_bytes(), type=Forest)
    except (OSError, msgspec.DecodeError) as error:
        raise Refusal(f"cannot read the bundle in {artifacts}: {error}; make it: make compile") from error
    birds = read_rows(artifacts / "training_rows.csv", contract, contract.output.label)
    return Population(contract, birds, Evaluator(contract, forest)), forest.model_sha256


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
    heaviest = population.contract.inputs[MASS].bounds[1]

    def longer(size: int, bills: float) -> Rows:
        changed = population.draw(size)
        changed[:, BILL] *= np.float32(bills)
        return changed

    def pounds(size: int) -> Rows:
        changed = population.draw(size)
        changed[population.generator.random(size) < 0.05, MASS] *= np.float32(2.2046)
        changed[:, MASS] = np.minimum(changed[:, MASS], np.float32(heaviest))
        return changed

    return {
        "bills measured 5 % too long": partial(longer, bills=1.05),
        "bills measured 10 % too long": partial(longer, bills=1.10),
        "masses 2.2 times too large in 5 % of requests (pounds for kilograms)": pounds,
        **{
            f"only {name}": partial(population.draw, only=label)
            for label, name in enumerate(population.contract.output.classes)
        },
    }


def detected_after(draw: Draw, population: Population, references: list[DriftBaseline], trials: int) -> str:
    """Return the fewest requests after which 95 of 100 trials have an alarm."""
    for size in SIZES:
        known = (references[int(population.generator.integers(len(references)))] for _ in range(trials))
        if sum(alarm(reference, population.watch(draw(size))) for reference in known) >= 0.95 * trials:
            return f"{size:,}"
    return f"not within {SIZES[-1]:,}"


def quiet_days(population: Population, runs: int) -> tuple[int, int]:
    """Return the days with an alarm, and the runs of QUIET_DAYS without any."""
    days = []
    for _ in range(runs):
        known = population.reference()
        days.append(sum(alarm(known, population.watch(population.draw(A_DAY))) for _ in range(QUIET_DAYS)))
    return sum(days), days.count(0)


def study(artifacts: Path, path: Path, trials: int, runs: int) -> None:
    """Measure, and write the page to `path`. Raises Refusal."""
    population, model = read_population(artifacts)
    references = [population.reference() for _ in range(REFERENCES)]
    lines = ["| drift | requests until 95 of 100 trials have an alarm |", "| --- | --: |"]
    for name, draw in drifts(population).items():
        lines.append(f"| {name} | {detected_after(draw, population, references, trials)} |")
    days, quiet = quiet_days(population, runs)
    template = Template(Path(__file__).with_suffix(".md.in").read_text(encoding="utf-8"))
    page = template.substitute(
        made=f"{date.today()}, model {model[:8]}, numpy {np.__version__}; no figure depends on the machine",
        sizes=", ".join(f"{size:,}" for size in SIZES),
        drifts="\n".join(lines),
        quiet=f"{days} of {runs * QUIET_DAYS:,} days of {A_DAY:,} requests had an alarm;\n"
        f"{quiet} of {runs} runs of {QUIET_DAYS} days had none.",
    )
    write_atomically(path, page.encode())
    print(f"wrote {path}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, measure, and write the page. Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.drift_study")
    parser.add_argument("--quick", action="store_true", help="measure little, to try it; the page is not published")
    parser.add_argument("--out", type=Path, metavar="DIRECTORY", help=f"where the page goes (default: {PUBLISHED})")
    options = parser.parse_args(arguments)
    path = (options.out or (PARTIAL if options.quick else PUBLISHED)) / "drift.md"
    trials, runs = (5, 1) if options.quick else (TRIALS, RUNS)
    return exit_status(lambda: study(ARTIFACTS, path, trials, runs))


if __name__ == "__main__":
    sys.exit(main())
