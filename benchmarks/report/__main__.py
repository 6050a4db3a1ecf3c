"""python -m benchmarks.report model | request | http | load [--results FILE] [--out DIRECTORY]: write a page again.

Without --out, a complete run goes to the published page, and any other into artifacts/bench/partial.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.latency import read
from benchmarks.machine import ROOT
from benchmarks.page import DOCS, PARTIAL
from benchmarks.report.http import write_http
from benchmarks.report.load import LoadResults, write_load
from benchmarks.report.model import write_model, write_request
from benchmarks.report.saved import Saved
from benchmarks.wire.results import HttpResults
from contract.refusal import exit_status

COMMANDS = {"model": "make bench", "request": "make bench-request", "http": "make bench-http"}
COMMANDS["load"] = "make load-report"


def report(page: str, path: Path, out: Path | None) -> None:
    """Write one page. Raises Refusal."""
    if page == "http":
        write_http(read(path, HttpResults, COMMANDS[page]), out)
    elif page == "load":
        write_load(read(path, LoadResults, COMMANDS[page]), out)
    else:
        saved = read(path, Saved, COMMANDS[page])
        write = write_model if page == "model" else write_request
        write(saved, out or (DOCS if saved.complete() else PARTIAL))


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run it. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description="Pages of stored results.")
    parser.add_argument("page", choices=list(COMMANDS))
    parser.add_argument("--results", type=Path, help="default: what the page's make target has stored")
    parser.add_argument("--out", type=Path, help="where the page goes")
    options = parser.parse_args(arguments)
    stored = options.results or ROOT / "artifacts" / "bench" / f"{options.page}.json"
    return exit_status(lambda: report(options.page, stored, options.out))


if __name__ == "__main__":
    sys.exit(main())
