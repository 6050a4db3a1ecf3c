"""python -m benchmarks.wire [--quick] [--out DIRECTORY]: ours beside other servers, through sockets."""

import sys
from collections.abc import Sequence

from benchmarks.machine import ROOT, heading
from benchmarks.page import options, write_page
from benchmarks.wire.report import FOOTPRINT, OPEN, THROUGHPUT, columns, headline
from benchmarks.wire.run import FULL, QUICK, run
from benchmarks.wire.wrk import CONNECTIONS, require
from contract.refusal import exit_status

PACKAGES = (
    "uvicorn", "uvloop", "httptools", "starlette", "msgspec", "orjson", "fastapi", "pydantic", "xgboost", "numpy",
    "granian", "fastpysgi",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, measure, and write the page. Returns the exit status."""
    quick, out = options("wire", arguments)

    def measure() -> None:
        require("wrk", "nginx")
        results = run(QUICK if quick else FULL, ROOT / "artifacts")
        top = headline(results)
        write_page(
            out / "http-benchmarks.md",
            heading("HTTP benchmarks", "make bench-http", PACKAGES),
            headline=top,
            throughput=columns(f"{CONNECTIONS} connections", results, THROUGHPUT),
            open_loop=columns("at half of its capacity", results, OPEN),
            footprint=columns("one process", results, FOOTPRINT),
        )
        print(top)

    return exit_status(measure)


if __name__ == "__main__":
    sys.exit(main())
