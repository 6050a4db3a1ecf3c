"""python -m benchmarks.wire [--quick] [--contenders C ...] [--out DIRECTORY]: ours beside other servers, by sockets."""

import argparse
import sys
from pathlib import Path

from benchmarks.latency import store
from benchmarks.machine import ROOT
from benchmarks.page import PARTIAL
from benchmarks.report.http import STORED, write_http
from benchmarks.wire.plan import CONTENDERS, QUICK, HttpPlan
from benchmarks.wire.run import run
from contract.refusal import exit_status


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run it. Returns the exit status."""
    names = tuple(CONTENDERS)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wire", description="Ours beside other servers.")
    parser.add_argument("--quick", action="store_true", help="less than a minute")
    parser.add_argument("--contenders", nargs="+", choices=names, default=names, metavar="C", help=", ".join(names))
    parser.add_argument("--artifacts", type=Path, default=ROOT / "artifacts", help="what `make compile` leaves")
    parser.add_argument("--out", type=Path, help="where the page goes (default: docs, if the run is complete)")
    options = parser.parse_args(arguments)
    plan = (QUICK if options.quick else HttpPlan())._replace(contenders=tuple(options.contenders))

    def measure() -> None:
        results = run(plan, options.artifacts)
        store(results, STORED if results.complete else PARTIAL / STORED.name)
        write_http(results, options.out)

    return exit_status(measure)


if __name__ == "__main__":
    sys.exit(main())
