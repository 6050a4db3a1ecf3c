"""python -m score FILE ... --out PLACE: score files of any size, on one machine or as tasks of Cloud Run.

Exit status: 0 all is done; 1 a file or a part could not be scored, and the others were; 2 a mistake of the user. Run it
again after whatever happened: it does what is missing.
"""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from contract.refusal import USER_MISTAKE, Refusal

if TYPE_CHECKING:
    from score.files.run import Job

BUNDLE = "artifacts/bundle"
INTERRUPTED = 130  # the exit status that shells give for SIGINT


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run it. Return the exit status."""
    options = parser().parse_args(arguments)
    try:
        try:
            from score.files.run import run
        except ModuleNotFoundError as error:
            if error.name != "pyarrow":
                raise
            raise Refusal("expected pyarrow, found none; type: pip install -r requirements/score.txt") from error
        return run(_job(options))
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return USER_MISTAKE
    except KeyboardInterrupt:
        print("stopped; run the same command again, it does what is missing", file=sys.stderr)
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m score",
        description="Score files: each row comes back with what POST /predict would say of it, or the reason why not.",
        epilog="Exit status: 0 done; 1 a part could not be scored; 2 a mistake of the user.",
    )
    made.add_argument("sources", nargs="+", metavar="FILE", help="files, directories, patterns, gs://BUCKET/PREFIX")
    made.add_argument("--out", required=True, metavar="PLACE", help="a directory, or gs://BUCKET/PREFIX")
    made.add_argument("--bundle", metavar="ADDRESS", help=f"as BUNDLE of the service (default: $BUNDLE or {BUNDLE})")
    made.add_argument(
        "--bad-rows",
        choices=("keep", "refuse", "separate"),
        default="keep",
        help="keep them with their reason, refuse a part that has one, or write them to files of their own",
    )
    made.add_argument("--columns", metavar="INPUT=COLUMN,...", help="inputs whose columns have other names")
    made.add_argument("--keep", metavar="COLUMN,...", help="the columns that come back (default: all)")
    made.add_argument("--p-values", action="store_true", help="add a p-value for each class: docs/trust.md")
    made.add_argument("--processes", type=int, metavar="N", help="(default: one for each core)")
    made.add_argument("--quiet", action="store_true", help="print errors only")
    return made


def _job(options: argparse.Namespace) -> "Job":
    from score.files.job import Options
    from score.files.run import Job

    columns: dict[str, str] = {}
    for pair in filter(None, (options.columns or "").split(",")):
        name, equals, column = pair.partition("=")
        if not (name and equals and column):
            raise Refusal(f"--columns: expected INPUT=COLUMN, such as bill_length_mm=culmen; found {pair}")
        columns[name] = column
    keep = None if options.keep is None else tuple(filter(None, options.keep.split(",")))
    task, tasks = _number("CLOUD_RUN_TASK_INDEX", 0), _number("CLOUD_RUN_TASK_COUNT", 1)
    if not 0 <= task < tasks:
        raise Refusal(f"CLOUD_RUN_TASK_INDEX: expected a number below CLOUD_RUN_TASK_COUNT {tasks}, found {task}")
    processes = len(os.sched_getaffinity(0)) if options.processes is None else options.processes
    if processes < 1:
        raise Refusal(f"--processes: expected 1 or more, found {processes}")
    return Job(
        sources=tuple(options.sources),
        out=options.out,
        options=Options(options.bad_rows, keep, columns, options.p_values),
        bundle=options.bundle or os.environ.get("BUNDLE") or BUNDLE,
        processes=processes,
        task=task,
        tasks=tasks,
        quiet=options.quiet,
    )


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if text and not text.isdigit():
        raise Refusal(f"environment variable {name}: expected a number, found {text}")
    return int(text) if text else default


if __name__ == "__main__":
    sys.exit(main())
