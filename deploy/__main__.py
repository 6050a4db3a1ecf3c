"""python -m deploy plan | up | job | iam | alerts | canary | status | metrics | ask | rollback | odds

Exit status: 0 success, or the new revision was promoted; 1 the new revision was rolled back; 2 a mistake of the user,
or a refusal of gcloud or HAProxy; 3 a gate did not get enough samples in time, and the share stays as it is.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from contract.refusal import USER_MISTAKE, Refusal, while_read
from deploy import commands
from deploy.canary.plan import CanaryPlan

if TYPE_CHECKING:
    Made = argparse._SubParsersAction[argparse.ArgumentParser]

RENDERED = Path("artifacts/deploy/service.yaml")
RENDERED_JOB = Path("artifacts/deploy/job.yaml")
POLICIES = Path("artifacts/deploy/policies")
AUDIT = Path("artifacts/deploy/canary.jsonl")
INTERRUPTED = 130  # the exit status that shells give for SIGINT


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run it. Return the exit status."""
    options = parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return USER_MISTAKE
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    whole = argparse.ArgumentParser(
        prog="python -m deploy",
        description="Deploy the service, and let a new revision in step by step.",
        epilog=(__doc__ or "").partition("\n\n")[2],
    )
    made = whole.add_subparsers(required=True, metavar="COMMAND")
    for name, run in (("plan", commands.plan), ("up", commands.up)):
        out = _command(made, name, run)
        out.add_argument("--out", type=Path, default=RENDERED, metavar="FILE", help="the description that is deployed")
    job = _command(made, "job", commands.job)
    job.add_argument("--out", type=Path, default=RENDERED_JOB, metavar="FILE", help="the description that is deployed")
    job.add_argument("--tasks", type=int, default=1, metavar="N", help="that share the parts (default: %(default)s)")
    job.add_argument("--yes", action="store_true", help="run them")
    job.add_argument("arguments", nargs="+", metavar="ARGUMENT", help="of python -m score, after --")
    _command(made, "iam", commands.accounts).add_argument("--yes", action="store_true", help="run them")
    alerts = _command(made, "alerts", commands.alerts)
    alerts.add_argument("--yes", action="store_true", help="install them")
    alerts.add_argument(
        "--channel", action="append", default=[], metavar="NAME", help="projects/P/notificationChannels/N"
    )
    alerts.add_argument("--out", type=Path, default=POLICIES, metavar="DIRECTORY", help="(default: %(default)s)")
    _canary(_command(made, "canary", commands.canary))
    status = _command(made, "status", commands.status)
    status.add_argument("--lines", type=int, default=5, metavar="N", help="of the audit log (default: %(default)s)")
    _splitter(status)
    metrics = _command(made, "metrics", commands.metrics)
    metrics.add_argument("--hours", type=int, default=24, metavar="N", help="that are compared (default: %(default)s)")
    metrics.add_argument(
        "--match", metavar="LABELS", help='such as revision_name="penguins-v7"; else the whole service'
    )
    metrics.add_argument("--prometheus", metavar="URL", help="another server than Google's")
    ask = _command(made, "ask", commands.ask)
    ask.add_argument("expression", metavar="PROMQL", help="with exact names of metrics")
    ask.add_argument("--prometheus", metavar="URL", help="another server than Google's")
    rollback = _command(made, "rollback", commands.rollback)
    _revisions(rollback)
    _splitter(rollback)
    odds = _command(made, "odds", commands.show_odds)
    odds.add_argument("--canaries", type=int, default=1000, metavar="N", help="of each kind (default: %(default)s)")
    _plan(odds)
    return whole


def _command(made: "Made", name: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    command = made.add_parser(name, help=run.__doc__, description=run.__doc__)
    command.set_defaults(run=run)
    return command


def _canary(canary: argparse.ArgumentParser) -> None:
    _revisions(canary)
    _splitter(canary)
    canary.add_argument(
        "--bundle", type=Path, required=True, metavar="DIRECTORY", help="what the new revision serves: its golden row"
    )
    canary.add_argument("--new-url", metavar="URL", help="where the new revision can be asked directly")
    canary.add_argument("--old-metrics", metavar="URL", help="the old revision's page of metrics")
    canary.add_argument("--new-metrics", metavar="URL", help="the new revision's")
    canary.add_argument("--prometheus", metavar="URL", help="instead: a server that has both, by revision_name")
    canary.add_argument("--again", action="store_true", help="though it was rolled back before")
    _plan(canary)


def _revisions(command: argparse.ArgumentParser) -> None:
    command.add_argument("old", metavar="OLD", help="the revision that serves; canary: the word serving finds it")
    command.add_argument("new", metavar="NEW", help="the revision to let in")


def _splitter(command: argparse.ArgumentParser) -> None:
    command.add_argument("--haproxy", type=Path, metavar="SOCKET", help="HAProxy's runtime socket; else Cloud Run")
    command.add_argument("--backend", default="penguins", metavar="NAME", help="of HAProxy (default: %(default)s)")
    command.add_argument(
        "--audit", type=Path, default=AUDIT, metavar="FILE", help="what was decided (default: %(default)s)"
    )


def _plan(command: argparse.ArgumentParser) -> None:
    """Add an option for each number of the canary's plan."""
    for field in msgspec.structs.fields(CanaryPlan):
        default = ",".join(map(str, field.default)) if field.name == "steps" else field.default
        command.add_argument(f"--{field.name.replace('_', '-')}", metavar="X", help=f"(default: {default})")


if __name__ == "__main__":
    sys.exit(while_read(main))
