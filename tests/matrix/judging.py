"""python -m tests.matrix.judging OUTCOMES: judge the cells on stdin, each in a fork; OUTCOMES gets JSON.

A process of its own with one thread (OMP_NUM_THREADS=1): a fork of a process with several may hang in OpenMP.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.matrix.apart import each
from tests.matrix.cells import Cell, formats
from tests.matrix.generate import ANSWERS
from tests.matrix.judge import THIRD, Outcome, ask_less, judge
from tests.matrix.warm import warmed

SECONDS = 120  # for one cell
AT_ONCE = 2
STEP = 500  # cells, of which each is told


class Job(NamedTuple):
    """One cell, and the directory with its files."""

    cell: Cell
    directory: str

    def done(self) -> str:
        """Judge the job. Return the outcome as JSON."""
        directory = Path(self.directory)
        files = [directory / f"{self.cell.name}.{ending}" for ending in formats(self.cell.version)]
        return json.dumps(judge(self.cell, files, directory / f"{self.cell.name}{ANSWERS}"))


def main(into: Path, jobs: list[Job]) -> None:
    """Judge every job, and write the outcomes."""
    ask_less()
    subprocess.run = warmed(subprocess.run)
    outcomes = []
    for job, ending in each(jobs, Job.done, SECONDS, AT_ONCE):
        outcomes.append((job.cell, outcome_of(*ending)))
        if len(outcomes) % STEP == 0:
            print(f"{len(outcomes)} of {len(jobs)} are judged", flush=True)
    into.write_text(json.dumps(outcomes), encoding="utf-8")


def outcome_of(text: str, problem: str) -> Outcome:
    """Return the outcome that a fork wrote, or a third one where it did not."""
    return Outcome(THIRD, problem.strip()) if problem else Outcome(*json.loads(text))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Job(Cell(*cell), directory) for cell, directory in json.load(sys.stdin)])
