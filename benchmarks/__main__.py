"""python -m benchmarks [--quick] [--models M ...] [--contenders C ...] [--batches B ...] [--render RESULTS]"""

import argparse
import os
import shlex
import sys
from pathlib import Path

from benchmarks.plan import BATCHES, CONTENDERS, FULL, JSON, MODELS, QUICK, QUICK_BATCHES, Plan
from contract.refusal import exit_status

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
RESULTS = Path("artifacts/bench/results.json")
DOCS = Path("docs")
PARTIAL = Path("artifacts/bench/partial")  # of runs that are not complete: they never overwrite published figures


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run it. Returns the exit status."""
    options = _parser().parse_args(arguments)
    plan = _plan(options)
    if options.render:
        return exit_status(lambda: _render(options.render, options.out or DOCS))
    words = sys.argv[1:] if arguments is None else arguments
    command = shlex.join(["python", "-m", "benchmarks", *words])
    return exit_status(lambda: _measure(plan, command, options.out))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ours beside other ways to ask a model.")
    parser.add_argument("--quick", action="store_true", help="about a minute, without the largest batch")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, metavar="M", help=", ".join(MODELS))
    parser.add_argument(
        "--contenders", nargs="+", choices=CONTENDERS, default=CONTENDERS, metavar="C", help=", ".join(CONTENDERS)
    )
    parser.add_argument("--batches", nargs="+", type=_batch, metavar="B", help=f"{', '.join(BATCHES)}, or other sizes")
    parser.add_argument(
        "--out", type=Path, help="where the page and its pictures go (default: docs, for complete runs)"
    )
    parser.add_argument(
        "--render", type=Path, metavar="RESULTS", help="measure nothing; draw these stored results again"
    )
    return parser


def _batch(text: str) -> str:
    if text == JSON or (text.isdecimal() and 1 <= int(text) <= 1_000_000):
        return text
    raise argparse.ArgumentTypeError(f"expected {JSON} or 1 to 1000000 rows, found {text!r}")


def _plan(options: argparse.Namespace) -> Plan:
    batches = options.batches or (QUICK_BATCHES if options.quick else BATCHES)
    return Plan(
        models=tuple(options.models),
        contenders=tuple(options.contenders),
        batches=tuple(batches),
        effort=QUICK if options.quick else FULL,
    )


def _measure(plan: Plan, command: str, out: Path | None) -> None:
    # XGBoost's and numpy's libraries read these when they are loaded, so they are set before the first import.
    os.environ.update(ONE_THREAD)
    from benchmarks.run import run
    from contract.files import write_atomically
    from contract.manifest import encode

    results = run(plan, command)
    path = RESULTS if plan.complete else PARTIAL / RESULTS.name
    write_atomically(path, encode(results))
    print(f"wrote {path}")
    _render(path, out or (DOCS if plan.complete else PARTIAL))


def _render(results: Path, out: Path) -> None:
    from benchmarks.page import write_page
    from benchmarks.results import read_results

    print(write_page(read_results(results), out))


if __name__ == "__main__":
    sys.exit(main())
