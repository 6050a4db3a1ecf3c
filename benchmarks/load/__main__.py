"""python -m benchmarks.load [--short] [--resume] [--profiles P ...] [--docker COMMAND] [--image NAME] [--out DIR]"""

import argparse
import os
import shlex
import sys
from pathlib import Path

from benchmarks.compiled import ROOT
from benchmarks.load.profiles import PROFILES, REPORTED
from benchmarks.load.results import RESULTS
from contract.refusal import exit_status

PARTIAL = ROOT / "artifacts" / "load"  # of short runs: they never overwrite published figures


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run it. Returns the exit status."""
    options = _parser().parse_args(arguments)
    words = sys.argv[1:] if arguments is None else arguments
    options.command = shlex.join(["python", "-m", "benchmarks.load", *words])
    return exit_status(lambda: _measure(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.load", description="Run the load profiles and write LOAD_TEST_REPORT.md."
    )
    parser.add_argument("--short", action="store_true", help="some seconds of each, for trying; into artifacts/load")
    parser.add_argument("--resume", action="store_true", help="measure only what the stored results do not have yet")
    parser.add_argument(
        "--profiles", nargs="+", choices=list(PROFILES), default=REPORTED, metavar="P", help=", ".join(PROFILES)
    )
    parser.add_argument(
        "--docker", default=os.environ.get("DOCKER", "docker"), help="the engine's command; empty: measure the process"
    )
    parser.add_argument("--image", default=os.environ.get("IMAGE", "penguins"), help="default: penguins")
    parser.add_argument("--out", type=Path, help="where the results, the page and its pictures go instead")
    return parser


def _measure(options: argparse.Namespace) -> None:
    from benchmarks.load.page import write_page
    from benchmarks.load.run import Report, begin
    from benchmarks.load.service import choose
    from benchmarks.wire.processes import two_cores

    out = options.out or (PARTIAL if options.short else ROOT)
    path = RESULTS if out == ROOT else out / RESULTS.name
    service_core, generator_core = two_cores()
    measured = choose(options.docker, options.image, service_core)
    results = begin(path, options.command, measured, options.short, options.resume)
    report = Report(path, measured, generator_core, results)
    report.run(tuple(options.profiles))
    print(f"wrote {path}")
    print(write_page(report.results, out))


if __name__ == "__main__":
    sys.exit(main())
