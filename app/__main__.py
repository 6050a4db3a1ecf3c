"""python -m app: serve until SIGTERM or SIGINT, then exit with status 0."""

import signal
import sys

import uvicorn

from app.bundle import load_bundle
from app.main import create_app
from app.settings import read_settings
from contract.refusal import exit_status


def serve() -> None:
    """Load the bundle and answer on HOST:PORT. Raises Refusal."""
    settings = read_settings()
    bundle = load_bundle(settings.bundle_path)
    uvicorn.run(
        create_app(bundle, settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


def _leave(*_: object) -> None:
    sys.exit(0)


if __name__ == "__main__":
    # Before the server has its own handlers, and after: as process 1 of a container there is no default action.
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    sys.exit(exit_status(serve))
