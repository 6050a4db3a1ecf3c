"""One serving process: it loads the bundle, listens and answers."""

import resource
import signal
import socket

from app.core.settings import Settings
from app.http.context import HttpContext
from app.http.lifetime import RESERVED_CONNECTIONS
from app.main import create_app
from app.model.loading import start_serving
from app.process.listening import listen
from app.process.server import Server
from app.telemetry.log_setup import set_up_logging
from contract.refusal import Refusal

OTHER_FILES = 64  # open files of a process besides its connections


def serve(settings: Settings, shared: socket.socket | None = None, beat: int | None = None, counters: int = -1) -> None:
    """Serve on HOST:PORT until SIGTERM or SIGINT. Raises Refusal if a setting is wrong or the port cannot be used.

    A worker gets three things from its supervisor: the listening socket `shared`, the file descriptor `beat`, to which
    it writes a byte once a second, so that the supervisor sees that the event loop runs, and `counters`, the
    descriptor of the shared memory in which it counts.
    """
    set_up_logging(settings)
    allow_open_files(settings.max_connections + RESERVED_CONNECTIONS + OTHER_FILES)
    application = create_app(start_serving(settings), settings, counters)
    context: HttpContext = application.state.http
    listener = shared or listen(settings)
    server = Server(application, listener, settings, beat)
    for number in (signal.SIGTERM, signal.SIGINT):  # before the event loop runs: it would ignore a SystemExit
        signal.signal(number, server.handle_exit)
    try:
        server.run([listener])
    finally:
        context.telemetry.close()


def allow_open_files(needed: int) -> None:
    """Raise this process's limit of open files to `needed`. Raises Refusal if the hard limit is lower."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise Refusal(
            f"MAX_CONNECTIONS needs {needed} open files, but the limit is {hard}; run ulimit -n {needed}, or lower "
            "MAX_CONNECTIONS"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
