"""python -m benchmarks.timed.request_page [--quick] [--out DIRECTORY]: docs/request.md, from `make bench-request`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import heading
from benchmarks.page import options, write_page
from benchmarks.tables import table
from benchmarks.timed.saved import Row, read_saved
from contract.refusal import exit_status


def write_request(rows: Sequence[Row], directory: Path) -> None:
    """Write request.md."""
    parts = table(["part", "µs"], [[row.name, f"{row.us:.2f}"] for row in rows])
    write_page(directory / "request.md", heading("Our side of a request", "make bench-request"), parts=parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, and write the page. Returns the exit status."""
    out = options("timed.request_page", arguments).out
    return exit_status(lambda: write_request(read_saved("request", "make bench-request"), out))


if __name__ == "__main__":
    sys.exit(main())
