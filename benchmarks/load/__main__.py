"""python -m benchmarks.load [--quick] [--out DIRECTORY]: run the load profiles, and write LOAD_TEST_REPORT.md.

DOCKER and IMAGE of the environment say what is measured; with an empty DOCKER it is the process.
"""

import os
import sys
from collections.abc import Sequence

from benchmarks.load import report
from benchmarks.load.run import FULL, QUICK, run
from benchmarks.load.service import choose
from benchmarks.machine import ROOT, heading
from benchmarks.page import options, write_page
from benchmarks.wire.processes import on, two_cores
from contract.refusal import exit_status

PACKAGES = ("locust", "gevent", "uvicorn", "uvloop", "httptools", "starlette", "msgspec", "orjson")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, measure, and write the page. Returns the exit status."""
    quick, out = options("load", arguments, ROOT)

    def measure() -> None:
        service_core, generator_core = two_cores()
        subject = choose(os.environ.get("DOCKER", "docker"), os.environ.get("IMAGE", "penguins"), service_core)
        with on(generator_core):
            results = run(subject, QUICK if quick else FULL)
        write_page(
            out / "LOAD_TEST_REPORT.md",
            heading("Load test report", "make load-report", PACKAGES),
            service=subject.words,
            steady=report.steady(results),
            conclusions=report.conclusions(results),
            profiles=report.profiles(results),
            objectives=report.objectives(results),
            footprints=report.footprints(results),
            search=report.searched(results),
            costs=report.costs(results),
        )

    return exit_status(measure)


if __name__ == "__main__":
    sys.exit(main())
