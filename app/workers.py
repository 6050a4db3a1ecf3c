"""Several serving processes and one that watches over them: it replaces those that die or hang.

Workers are started, not forked: each loads the bundle itself. Each has a listening socket of its own, which the
supervisor keeps: a connection that nobody has accepted yet is not lost with a worker, the next one accepts it.
"""

import ctypes
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from types import FrameType

import msgspec

from app.cells import new_file
from app.listening import address, listen_for_each, stop_connecting
from app.log_setup import set_up_logging
from app.settings import Settings
from app.totals import Totals, expose
from contract.refusal import USER_MISTAKE

BEAT_SECONDS = 1.0  # between two signs of life
SILENT_SECONDS = 5.0  # without one, a worker that serves is killed
START_SECONDS = 60.0  # until the first one
STEADY_SECONDS = 10.0  # a worker that lived as long did not fail at its start
MOST_PAUSE_SECONDS = 30.0  # before a worker that failed at its start is started again: 1, 2, 4, ...
STOP_SECONDS = 7.5  # for workers to leave by themselves, from the first signal on
PR_SET_PDEATHSIG = 1

logger = logging.getLogger("uvicorn.error")


class Worker:
    """One serving process."""

    def __init__(self, listener: socket.socket, settings: Settings, totals: Totals) -> None:
        self.listener = listener
        self.beats, beat = os.pipe()
        counters = new_file()
        os.set_blocking(self.beats, False)
        descriptors = (listener.fileno(), beat, counters)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app.workers", *map(str, descriptors), msgspec.json.encode(settings).decode()],
            pass_fds=descriptors,
            start_new_session=True,  # Ctrl-C in a terminal is the supervisor's to pass on
        )
        totals.begin(self.process.pid, counters)
        os.close(counters)
        os.close(beat)
        self.started = time.monotonic()
        self.seen = self.started + START_SECONDS - SILENT_SECONDS
        self.serves = False

    def hear(self) -> None:
        """Note the signs of life there are."""
        try:
            if os.read(self.beats, 4096):
                self.seen = time.monotonic()
                if not self.serves:
                    self.serves = True
                    logger.info("Worker %d serves", self.process.pid)
        except BlockingIOError:
            pass

    def ended(self) -> bool:
        """Whether it has died, or was silent for so long that it has been killed for it."""
        if self.process.poll() is None and time.monotonic() - self.seen > SILENT_SECONDS:
            logger.error("Worker %d gives no sign of life: killed", self.process.pid)
            self.process.kill()
            self.process.wait()
        return self.process.poll() is not None

    def close(self) -> None:
        """After its end."""
        os.close(self.beats)


class Supervisor:
    """Keeps `settings.workers` workers until told to stop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.listeners = listen_for_each(settings)
        self.totals = Totals(settings.workers)
        self.workers: list[Worker] = []
        self.failures = 0  # workers in a row that died soon after their start
        self.start_at = 0.0
        self.announced = False  # that all serve
        self.stopping = False
        self.not_ready_seconds = 0.0

    def run(self) -> int:
        """Returns the exit status: 0 after a signal, the worker's own where none can start."""
        signal.signal(signal.SIGTERM, self._signalled)
        signal.signal(signal.SIGINT, self._signalled)
        expose(self.settings, self.totals.render)
        while not self.stopping:
            if len(self.workers) < self.settings.workers and time.monotonic() >= self.start_at:
                self._start()
                continue
            self._wait(0.25)
            for worker in [worker for worker in self.workers if worker.ended()]:
                if status := self._lost(worker):
                    self._signalled(signal.SIGINT, None)
                    self._stop()
                    return status
        self._stop()
        return 0

    def _start(self) -> None:
        """A worker on a socket that has none."""
        taken = [worker.listener for worker in self.workers]
        free = next(listener for listener in self.listeners if taken.count(listener) < self.listeners.count(listener))
        self.workers.append(Worker(free, self.settings, self.totals))

    def _signalled(self, number: int, _: FrameType | None) -> None:
        if self.stopping:
            for worker in self.workers:
                worker.process.kill()
            os._exit(0)
        self.stopping = True
        self.not_ready_seconds = self.settings.not_ready_seconds if number == signal.SIGTERM else 0.0
        for worker in self.workers:
            worker.process.send_signal(number if worker.serves else signal.SIGTERM)

    def _wait(self, seconds: float) -> None:
        """For a sign of life, a death or a signal."""
        ready, _, _ = select.select([worker.beats for worker in self.workers], [], [], seconds)
        for worker in self.workers:
            if worker.beats in ready:
                worker.hear()
        if not self.announced and sum(worker.serves for worker in self.workers) == self.settings.workers:
            self.announced = True
            logger.info("running on %s, %d workers", address(self.listeners[0]), self.settings.workers)
        if ready:  # a dead worker's pipe is always ready
            time.sleep(0.05)

    def _lost(self, worker: Worker) -> int:
        """Make room for another worker. Returns an exit status where that would fail in the same way."""
        self.workers.remove(worker)
        worker.close()
        self.totals.end(worker.process.pid)
        status = worker.process.returncode
        if status == USER_MISTAKE and not worker.serves:
            return status
        logger.error("Worker %d ended (status %d)", worker.process.pid, status)
        if time.monotonic() - worker.started > STEADY_SECONDS:
            self.failures = 0
            return 0
        self.failures += 1
        if self.failures > self.settings.workers:  # one may be killed at any time; all of them is a fault
            pause = min(2.0 ** (self.failures - self.settings.workers - 1), MOST_PAUSE_SECONDS)
            logger.error("Workers end as soon as they start; the next one starts in %g s", pause)
            self.start_at = time.monotonic() + pause
        return 0

    def _stop(self) -> None:
        time.sleep(self.not_ready_seconds)
        for listener in self.listeners:
            stop_connecting(listener)
        deadline = time.monotonic() + STOP_SECONDS - self.not_ready_seconds
        for worker in self.workers:
            try:
                worker.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()


def supervise(settings: Settings) -> int:
    """Serve with several workers until told to stop. Returns the exit status. Raises Refusal."""
    set_up_logging(settings)
    return Supervisor(settings).run()


def work(settings: Settings, listener: int, beat: int, counters: int) -> None:
    """A worker's life. It ends with its supervisor's, on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    from app.serve import serve

    serve(settings, socket.socket(fileno=listener), beat, counters)


if __name__ == "__main__":
    from app.__main__ import leave_on_signals
    from contract.refusal import exit_status

    leave_on_signals()
    *_descriptors, _settings = sys.argv[1:]
    sys.exit(exit_status(lambda: work(msgspec.json.decode(_settings, type=Settings), *map(int, _descriptors))))
