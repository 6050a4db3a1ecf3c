"""python -m app [--workers N]: serve until SIGTERM or SIGINT, then exit with status 0."""

import signal
import sys

import msgspec

from app.settings import Settings, read_settings
from contract.refusal import Refusal, exit_status

USAGE = "usage: python -m app [--workers N]; all other settings are environment variables, see README"


def main(arguments: list[str]) -> None:
    """Serve in this process, or watch over several that do. Raises Refusal."""
    settings = with_arguments(read_settings(), arguments)
    if settings.workers > 1:
        from app.workers import supervise

        sys.exit(supervise(settings))
    from app.serve import serve

    serve(settings)


def with_arguments(settings: Settings, arguments: list[str]) -> Settings:
    """The settings with what the command line says: one option, not worth a parser's import."""
    match [word for argument in arguments for word in argument.split("=", 1)]:
        case []:
            return settings
        case ["--workers", count] if count.isdecimal() and int(count) > 0:
            return msgspec.structs.replace(settings, workers=int(count))
        case ["-h" | "--help"]:
            print(__doc__)
            sys.exit(0)
    raise Refusal(f"expected no argument or --workers N, found {' '.join(arguments)!r}; {USAGE}")


def leave_on_signals() -> None:
    """Before the server has its own handlers, and after: as process 1 of a container there is no default action."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))


if __name__ == "__main__":
    leave_on_signals()
    sys.exit(exit_status(lambda: main(sys.argv[1:])))
