"""python -m bundle keygen | sign | verify | inspect | publish | promote | rollback | list | fetch | merge

Exit status: 0 done; 2 a mistake of the user; 3 the bundle or the channel is refused; 4 the store cannot be reached or
does not give it; 5 somebody else was faster, or another object is in the way.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from bundle import commands
from bundle.answers import Answer
from bundle.deadline import Deadline, run_within
from bundle.reference import parse_reference
from bundle.refusal import STATUSES, BundleRefusal
from bundle.store import Store, open_store
from contract.refusal import USER_MISTAKE, Refusal

DEADLINE_S = 60.0
DAYS = 30.0


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run it. Returns the exit status."""
    options = parser().parse_args(arguments)
    try:
        answer = options.run(options)
    except Refusal as refusal:
        reason = refusal.reason if isinstance(refusal, BundleRefusal) else "usage"
        print(
            _json({"error": str(refusal), "reason": reason}) if options.json else f"error: {refusal}", file=sys.stderr
        )
        return STATUSES.get(reason, USER_MISTAKE)
    except KeyboardInterrupt:
        return 130  # as shells count a SIGINT
    print(_json(answer) if options.json else answer)
    return 0


def _json(document: object) -> str:
    return msgspec.json.encode(document).decode()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bundle",
        description="Sign, publish, move and fetch model bundles.",
        epilog=(__doc__ or "").partition("\n\n")[2],
    )
    made = parser.add_subparsers(required=True, metavar="COMMAND")
    _local_commands(made)
    _store_commands(made)
    return parser


Made = argparse._SubParsersAction  # the only name that argparse has for it


def _local_commands(made: "Made[argparse.ArgumentParser]") -> None:
    keygen = _command(made, "keygen", commands.keygen)
    keygen.add_argument("file", type=Path, help="the private key; the public one goes to FILE.pub")
    sign = _command(made, "sign", commands.sign_bundle)
    sign.add_argument("directory", type=Path)
    _key(sign)
    merge = _command(made, "merge", commands.merge_bundles)
    merge.add_argument("directories", type=Path, nargs="+", metavar="DIRECTORY")
    merge.add_argument("--out", type=Path, required=True)
    merge.add_argument("--bundle-version", metavar="LABEL")


def _store_commands(made: "Made[argparse.ArgumentParser]") -> None:
    for name, run in (
        ("verify", commands.verify_bundle),
        ("inspect", commands.inspect),
        ("fetch", commands.fetch_bundle),
    ):
        reading = _command(made, name, run)
        reading.add_argument("reference", help="DIRECTORY, STORE#CHANNEL or STORE@DIGEST")
        _trusted(reading)
        if name == "fetch":
            reading.add_argument("--out", type=Path, required=True, help="the directory to write")
    publish = _command(made, "publish", _with_store(commands.publish_bundle))
    publish.add_argument("directory", type=Path)
    publish.add_argument("store", help="a directory or gs://BUCKET/PREFIX")
    _trusted(publish)
    listing = _command(made, "list", _with_store(commands.list_store))
    listing.add_argument("store", help="a directory or gs://BUCKET/PREFIX")
    _trusted(listing)
    for name, run_move, optional in (("promote", commands.promote, ""), ("rollback", commands.rollback, "?")):
        moving = _command(made, name, _with_store(run_move))
        moving.add_argument("reference", metavar="STORE#CHANNEL")
        moving.add_argument("digest", nargs=optional or None, metavar="DIGEST", help="or as much of it as is unique")
        moving.add_argument("--days", type=float, default=DAYS, help="until the pointer expires (default: %(default)g)")
        moving.add_argument(
            "--version", type=int, help="of the pointer, only to make up for one that was lost or damaged"
        )
        _key(moving)
        _trusted(moving)


def _command(
    made: "Made[argparse.ArgumentParser]", name: str, run: Callable[[argparse.Namespace], Answer]
) -> argparse.ArgumentParser:
    parser = made.add_parser(name, help=run.__doc__, description=run.__doc__)
    parser.set_defaults(run=run)
    parser.add_argument("--json", action="store_true", help="answer, or the error, as one line of JSON")
    return parser


def _key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", type=Path, action="append", required=True, help="a private key; may be repeated")


def _trusted(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trusted-keys", default=os.environ.get("TRUSTED_KEYS", ""), metavar="KEYS", help="(default: $TRUSTED_KEYS)"
    )
    parser.add_argument("--allow-unsigned", action="store_true", help="excuse an absent signature, never a wrong one")
    parser.add_argument(
        "--deadline", type=float, default=DEADLINE_S, metavar="SECONDS", help="for everything (default: %(default)g)"
    )


def _with_store(
    run: Callable[[argparse.Namespace, Store, Deadline], Answer],
) -> Callable[[argparse.Namespace], Answer]:
    """Run with a store that is open as long, and within the deadline."""

    def run_with_store(options: argparse.Namespace) -> Answer:
        place = options.store if "store" in options else parse_reference(options.reference).place
        deadline = Deadline(options.deadline)
        store = open_store(place)

        def work() -> Answer:
            try:
                return run(options, store, deadline)
            finally:
                store.close()

        return run_within(deadline, work, lambda: store, place)

    run_with_store.__doc__ = run.__doc__
    return run_with_store


if __name__ == "__main__":
    sys.exit(main())
