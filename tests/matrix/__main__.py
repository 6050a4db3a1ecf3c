"""python -m tests.matrix [--small] [--record]: train models with many XGBoosts, and judge what becomes of each.

Every model has to be compiled with the same bits, or refused by name; status 2 where one is neither. Without an option
everything is trained that the Pythons of this machine can, and docs/model-matrix.md is written. --small takes a few
versions and pairwise cells, for each change; with --page it writes the page too. --record trains the models of
tests/matrix/recorded again.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import xgboost

from contract.files import write_atomically
from contract.refusal import Refusal, exit_status
from tests.matrix.cells import VERSIONS, Cell
from tests.matrix.environments import ROOT, Environment, LeftOut, environment, shared_python
from tests.matrix.generate import LEFT
from tests.matrix.judge import THIRD, Outcome
from tests.matrix.page import counted, page
from tests.matrix.selection import RECORDED, SMALL, TO_RECORD, all_cells, recorded_cells, small_cells

MODELS = ROOT / "artifacts" / "matrix"
PAGE = ROOT / "docs" / "model-matrix.md"
AT_ONCE = 2

Job = tuple[Cell, str]  # and the directory of its files
Judged = list[tuple[Cell, Outcome]]
Made = TypeVar("Made")


def main(small: bool, written: bool = False) -> None:
    """Train, judge and report. Raises Refusal where a model is neither equal nor refused by name."""
    started = time.monotonic()
    versions = tuple(dict.fromkeys((*(SMALL if small else VERSIONS), xgboost.__version__)))
    environments, left_out = made(versions)
    cells = small_cells(tuple(environments)) if small else all_cells(environments)
    jobs, judged = trained(environments, cells)
    jobs += [(cell, str(RECORDED / cell.version)) for cell in recorded_cells() if cell.version not in environments]
    print(f"judging {len(jobs)} models after {time.monotonic() - started:.0f} s", flush=True)
    judged += judged_apart(jobs)
    if written or not small:
        write_atomically(PAGE, page(judged, left_out, small).encode())
    third = [(cell, outcome.text) for cell, outcome in judged if outcome.kind == THIRD]
    for cell, text in third:
        print(f"third outcome: {cell.version} {cell.name}: {text}")
    print(f"{counted(judged)}, in {time.monotonic() - started:.0f} s")
    if third:
        raise Refusal(
            "expected every model to be equal or refused by name, found the third outcomes above; their files are "
            f"in {MODELS}: compile one with python -m compile"
        )


def made(versions: tuple[str, ...]) -> tuple[dict[str, Environment], dict[str, str]]:
    """Return the environments of the versions, and why others are left out."""
    left_out: dict[str, str] = {}
    for version in versions:  # one after the other: they share these
        with_reason(left_out, version, shared_python)
    wanted = [version for version in versions if version not in left_out]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda version: with_reason(left_out, version, environment), wanted)
        environments = {version: made for version, made in zip(wanted, found, strict=True) if made}
    for version, reason in left_out.items():
        print(f"left out: XGBoost {version}: {reason}")
    return environments, left_out


def with_reason(left_out: dict[str, str], version: str, make: Callable[[str], Made]) -> Made | None:
    """Make something for a version, or keep the reason why it is left out."""
    try:
        return make(version)
    except LeftOut as reason:
        left_out[version] = str(reason)
        return None


def trained(environments: dict[str, Environment], cells: list[Cell]) -> tuple[list[Job], Judged]:
    """Train the cells. Returns those to judge, and those that their XGBoost did not train, which it should."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        names = {version: [cell.name for cell in cells if cell.version == version] for version in environments}
        list(pool.map(lambda version: train(environments[version], MODELS / version, names[version]), environments))
    missed = {version: json.loads((MODELS / version / LEFT).read_bytes()) for version in environments}
    untrained = [
        (cell, Outcome(THIRD, f"not trained: {missed[cell.version][cell.name]}"))
        for cell in cells
        if cell.name in missed[cell.version]
    ]
    return [(cell, str(MODELS / cell.version)) for cell in cells if cell.name not in missed[cell.version]], untrained


def train(found: Environment, directory: Path, names: list[str]) -> None:
    """Train cells of one version into an empty directory."""
    shutil.rmtree(directory, ignore_errors=True)
    found.run("tests.matrix.generate", [str(directory)], json.dumps(names))


def judged_apart(jobs: list[Job]) -> Judged:
    """Judge in a process of its own, with one thread."""
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as directory:
        outcomes = Path(directory) / "outcomes.json"
        command = [sys.executable, "-W", "ignore", "-m", "tests.matrix.judging", str(outcomes)]
        subprocess.run(command, input=json.dumps(jobs), text=True, cwd=ROOT, env=variables, check=True)
        return [(Cell(*cell), Outcome(*outcome)) for cell, outcome in json.loads(outcomes.read_bytes())]


def record() -> None:
    """Train the recorded models again."""
    environments, _ = made(tuple(TO_RECORD))
    for version, found in environments.items():
        train(found, RECORDED / version, [f"situation.{name}" for name in TO_RECORD[version]])
        (RECORDED / version / LEFT).unlink()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--small", action="store_true", help="few versions, pairwise cells")
    parser.add_argument("--page", action="store_true", help="write docs/model-matrix.md of the small selection, too")
    choice.add_argument("--record", action="store_true", help="train the recorded models again")
    options = parser.parse_args()
    sys.exit(exit_status(lambda: record() if options.record else main(options.small, options.page)))
