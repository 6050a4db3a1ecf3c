"""python -m app [--workers N]: serve until SIGTERM or SIGINT, then exit with status 0."""

import sys

import msgspec

from app.core.settings import Settings, read_settings
from app.process.signals import leave_on_signals, open_standard_streams
from contract.refusal import Refusal, exit_status

USAGE = "usage: python -m app [--workers N]; all other settings are environment variables, see README"


def main(arguments: list[str]) -> None:
    """Serve in this process, or supervise several workers. Raises Refusal if a setting or argument is wrong."""
    settings = with_arguments(read_settings(), arguments)
    if settings.workers > 1:
        from app.process.workers import supervise

        sys.exit(supervise(settings))
    from app.process.serve import serve

    serve(settings)


def with_arguments(settings: Settings, arguments: list[str]) -> Settings:
    """Return the settings, with --workers from the command line if it is given. Raises Refusal for other arguments.

    There is only one option, so argparse is not imported: the start is faster without it.
    """
    match [word for argument in arguments for word in argument.split("=", 1)]:
        case []:
            return settings
        case ["--workers", count] if count.isdecimal() and int(count) > 0:
            return msgspec.structs.replace(settings, workers=int(count))
        case ["-h" | "--help"]:
            print(__doc__)
            sys.exit(0)
    raise Refusal(f"expected no argument or --workers N, found {' '.join(arguments)!r}; {USAGE}")


if __name__ == "__main__":
    open_standard_streams()
    leave_on_signals()
    sys.exit(exit_status(lambda: main(sys.argv[1:])))
