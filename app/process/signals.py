"""The first steps of a process: signal handlers and open standard streams."""

import os
import signal
import sys

STDERR = 2  # the highest descriptor of the three standard streams


def leave_on_signals() -> None:
    """Exit with status 0 on SIGTERM and SIGINT, until the server installs its own handlers.

    Process 1 of a container needs this: the system ignores signals there that have no handler.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))


def open_standard_streams() -> None:
    """Open standard streams that are closed, on /dev/null.

    Otherwise the next file or socket would get the descriptor of a standard stream, and the log would be written to it.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
