"""One serving process: load the bundle, listen, answer."""

import resource
import signal
import socket

from app.connection import RESERVED_CONNECTIONS
from app.listening import listen
from app.loading import start_serving
from app.log_setup import set_up_logging
from app.main import create_app
from app.server import Server
from app.settings import Settings
from app.wire import Wire
from contract.refusal import Refusal

OTHER_FILES = 64  # that a process has open besides its connections


def serve(settings: Settings, shared: socket.socket | None = None, beat: int | None = None, counters: int = -1) -> None:
    """Answer on HOST:PORT until told to stop. Raises Refusal.

    A worker is given the socket it shares, and the descriptor `beat` to which it writes once a second: its supervisor
    sees that the event loop turns. `counters` is the descriptor of the memory in which it counts.
    """
    set_up_logging(settings)
    allow_open_files(settings.max_connections + RESERVED_CONNECTIONS + OTHER_FILES)
    application = create_app(start_serving(settings), settings, counters)
    wire: Wire = application.state.wire
    listener = shared or listen(settings)
    server = Server(application, listener, settings, beat)
    for number in (signal.SIGTERM, signal.SIGINT):  # before the event loop, which would swallow an exit
        signal.signal(number, server.handle_exit)
    try:
        server.run([listener])
    finally:
        wire.telemetry.close()


def allow_open_files(needed: int) -> None:
    """Raise this process's own limit to what it needs. Raises Refusal where the system's is lower."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise Refusal(f"MAX_CONNECTIONS needs {needed} open files, {hard} are allowed: ulimit -n {needed}, or lower it")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
