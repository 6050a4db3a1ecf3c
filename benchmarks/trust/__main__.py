"""python -m benchmarks.trust [--artifacts DIRECTORY] [--out DIRECTORY]"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import this_machine
from benchmarks.plan import Effort
from benchmarks.trust.measure import EFFORT, measure
from benchmarks.trust.page import page
from contract.files import write_atomically
from contract.refusal import exit_status

PAGE = "trust.md"


def main(arguments: list[str] | None = None, effort: Effort = EFFORT) -> int:
    """Parse the command line and run it. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trust", description="When to believe an answer.")
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"), help="as `make compile` leaves it")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="where the page goes (default: %(default)s)")
    options = parser.parse_args(arguments)
    return exit_status(lambda: _run(options.artifacts, options.out, effort))


def _run(artifacts: Path, out: Path, effort: Effort) -> None:
    trust = measure(artifacts, effort)
    text = page(trust, this_machine(1), f"{datetime.now(UTC):%Y-%m-%d}")
    write_atomically(out / PAGE, text.encode())
    print(f"wrote {out / PAGE}")


if __name__ == "__main__":
    sys.exit(main())
