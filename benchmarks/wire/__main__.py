"""python -m benchmarks.wire [--quick] [--contenders C ...] [--out DIRECTORY] [--render RESULTS]"""

import argparse
import shlex
import sys
from pathlib import Path

from benchmarks.wire.plan import ARTIFACTS, FULL, NAMES, QUICK, Plan
from contract.refusal import exit_status

RESULTS = Path("bench/http.json")  # in artifacts
PARTIAL = Path("bench/partial")  # of runs that are not complete: they never overwrite published figures
DOCS = Path("docs")


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run it. Returns the exit status."""
    options = _parser().parse_args(arguments)
    if options.render:
        return exit_status(lambda: _render(options.render, options.out or DOCS))
    plan = Plan(tuple(options.contenders), QUICK if options.quick else FULL, options.artifacts)
    words = sys.argv[1:] if arguments is None else arguments
    command = shlex.join(["python", "-m", "benchmarks.wire", *words])
    return exit_status(lambda: _measure(plan, command, options.out))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.wire", description="Ours beside other servers, through sockets."
    )
    parser.add_argument("--quick", action="store_true", help="less than a minute")
    parser.add_argument("--contenders", nargs="+", choices=NAMES, default=NAMES, metavar="C", help=", ".join(NAMES))
    parser.add_argument(
        "--artifacts", type=Path, default=ARTIFACTS, help="as `make compile` leaves it (default: artifacts)"
    )
    parser.add_argument(
        "--out", type=Path, help="where the page and its pictures go (default: docs, for complete runs)"
    )
    parser.add_argument(
        "--render", type=Path, metavar="RESULTS", help="measure nothing; draw these stored results again"
    )
    return parser


def _measure(plan: Plan, command: str, out: Path | None) -> None:
    from benchmarks.wire.run import run
    from contract.files import write_atomically
    from contract.manifest import encode

    results = run(plan, command)
    partial = plan.artifacts / PARTIAL
    path = plan.artifacts / RESULTS if plan.complete else partial / RESULTS.name
    write_atomically(path, encode(results))
    print(f"wrote {path}")
    _render(path, out or (DOCS if plan.complete else partial))


def _render(results: Path, out: Path) -> None:
    from benchmarks.wire.page import write_page
    from benchmarks.wire.results import read_results

    print(write_page(read_results(results), out))


if __name__ == "__main__":
    sys.exit(main())
