"""python -m bundle keygen | public | sign | verify | inspect | publish | promote | rollback | list | gc | fetch | merge

Exit status: 0 success; 2 a mistake of the user; 3 the bundle or the channel is refused; 4 the store cannot be reached
or does not deliver; 5 a conflict: somebody else changed the object first, or another object has its name.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import msgspec

from bundle.address import parse_address
from bundle.command import commands
from bundle.command.answers import Answer
from bundle.command.printable import printable
from bundle.deadline import Deadline, run_within
from bundle.refusal import STATUSES, BundleRefusal
from bundle.stores.opening import open_store
from bundle.stores.store import Store
from contract.refusal import USER_MISTAKE, Refusal, while_read

DEADLINE_S = 60.0
DAYS = 30.0
BOUNDS = {  # smallest and largest value of an option, both allowed
    "deadline": (0.001, 43_200.0),  # half a day: bundle/channels/marks.py needs commands to end within a day
    "days": (0.001, 3660.0),  # a minute and a half to ten years
}
GC_DAYS = 1.0  # the least --days of gc: no publish or promote takes so long
CLOSED_PIPE = 141  # the exit status that shells give for SIGPIPE


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run it. Return the exit status."""
    options = parser().parse_args(arguments)
    try:
        _check_bounds(options)
        answer = options.run(options)
    except Refusal as refusal:
        reason = refusal.reason if isinstance(refusal, BundleRefusal) else "usage"
        told = _json({"error": str(refusal), "reason": reason}) if options.json else printable(f"error: {refusal}")
        return _print(told, sys.stderr) or STATUSES.get(reason, USER_MISTAKE)
    except KeyboardInterrupt:
        return 130  # the exit status that shells give for SIGINT
    return _print(_json(answer) if options.json else str(answer), sys.stdout)


def _check_bounds(options: argparse.Namespace) -> None:
    """Raise Refusal if an option is out of bounds. NaN is in no range."""
    for name, (low, high) in BOUNDS.items():
        value, least = getattr(options, name, high), getattr(options, f"least_{name}", low)
        if not least <= value <= high:
            raise Refusal(f"--{name} {value:g}: expected a number from {least:.3g} to {high:g}")


def _print(text: str, stream: TextIO) -> int:
    """Print one answer. Return 0, or CLOSED_PIPE if the reader has closed the pipe, as in `list | head`."""
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # Python flushes the rest there at exit
        return CLOSED_PIPE
    return 0


def _json(document: object) -> str:
    """Return one line of ASCII. Text from other people is escaped."""
    return json.dumps(msgspec.to_builtins(document), separators=(",", ":")).replace("\x7f", "\\u007f")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bundle",
        description="Sign, publish, move and fetch model bundles.",
        epilog=(__doc__ or "").partition("\n\n")[2],
    )
    made = parser.add_subparsers(required=True, metavar="COMMAND")
    _local_commands(made)
    _store_commands(made)
    return parser


KEY = "a private key's file, or gcpkms://projects/.../cryptoKeyVersions/N"
Made = argparse._SubParsersAction  # argparse has no public name for this type


def _local_commands(made: "Made[argparse.ArgumentParser]") -> None:
    keygen = _command(made, "keygen", commands.keygen)
    keygen.add_argument("file", type=Path, help="the private key; the public one goes to FILE.pub")
    public = _command(made, "public", commands.public_key)
    public.add_argument("--key", required=True, help=KEY)
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
        reading.add_argument("address", help="DIRECTORY, STORE#CHANNEL or STORE@DIGEST")
        _trusted(reading)
        _excusing(reading)
        if name == "fetch":
            reading.add_argument("--out", type=Path, required=True, help="the directory to write")
    publish = _command(made, "publish", _with_store(commands.publish_bundle))
    publish.add_argument("directory", type=Path)
    publish.add_argument("store", help="a directory or gs://BUCKET/PREFIX")
    _trusted(publish)
    _excusing(publish)
    listing = _command(made, "list", _with_store(commands.list_store))
    listing.add_argument("store", help="a directory or gs://BUCKET/PREFIX")
    _trusted(listing)
    collecting = _command(made, "gc", _with_store(commands.collect))
    collecting.set_defaults(least_days=GC_DAYS)
    collecting.add_argument("store", help="a directory or gs://BUCKET/PREFIX")
    collecting.add_argument(
        "--days", type=float, default=DAYS, help="that no channel has pointed to a bundle (default: %(default)g)"
    )
    collecting.add_argument("--remove", action="store_true", help="do it, instead of saying what would be done")
    _trusted(collecting)
    for name, run_move, optional in (("promote", commands.promote, ""), ("rollback", commands.rollback, "?")):
        moving = _command(made, name, _with_store(run_move))
        moving.add_argument("address", metavar="STORE#CHANNEL")
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
    parser.add_argument("--key", action="append", required=True, help=f"{KEY}; may be repeated")


def _trusted(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trusted-keys", default=os.environ.get("TRUSTED_KEYS", ""), metavar="KEYS", help="(default: $TRUSTED_KEYS)"
    )
    parser.add_argument(
        "--deadline", type=float, default=DEADLINE_S, metavar="SECONDS", help="for everything (default: %(default)g)"
    )


def _excusing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--allow-unsigned", action="store_true", help="excuse an absent signature, never a wrong one")


def _with_store(
    run: Callable[[argparse.Namespace, Store, Deadline], Answer],
) -> Callable[[argparse.Namespace], Answer]:
    """Return a command that opens the store, calls `run` within the deadline, and closes the store."""

    def run_with_store(options: argparse.Namespace) -> Answer:
        place = options.store if "store" in options else parse_address(options.address).place
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
    sys.exit(while_read(main))
