"""Several serving processes, and a supervisor that replaces those that die or hang.

Workers are started, not forked: each loads the bundle itself. Each has its own listening socket, which the supervisor
keeps open: if a worker dies, its next one accepts the connections that wait.
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

from app.core.settings import Settings
from app.metrics.cells import new_file
from app.metrics.totals import Totals, expose
from app.process.listening import address, listen_for_each, stop_connecting
from app.telemetry.log_setup import set_up_logging
from contract.refusal import USER_MISTAKE

SILENT_SECONDS = 5.0  # a worker that serves is killed if it sends no beat for so long
START_SECONDS = 60.0  # a worker that starts is killed if it sends no beat for so long
STEADY_SECONDS = 10.0  # a worker that lived longer did not fail at its start
MAX_PAUSE_SECONDS = 30.0  # longest pause before a failed worker is replaced: 1, 2, 4, ...
STOP_SECONDS = 7.5  # from the first signal on, workers may take so long to end
PR_SET_PDEATHSIG = 1  # linux/prctl.h

_decode_settings = msgspec.json.Decoder(Settings).decode
logger = logging.getLogger("uvicorn.error")


class Worker:
    """One serving process, as its supervisor sees it. A beat is a byte that it writes once a second."""

    def __init__(self, listener: socket.socket, settings: Settings, totals: Totals) -> None:
        self.listener = listener
        self.beats, beat = os.pipe()
        counters = new_file()
        os.set_blocking(self.beats, False)
        descriptors = (listener.fileno(), beat, counters)
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "app.process.workers",
                *map(str, descriptors),
                msgspec.json.encode(settings).decode(),
            ],
            pass_fds=descriptors,
            start_new_session=True,  # Ctrl-C in a terminal reaches only the supervisor, which passes it on
        )
        totals.begin(self.process.pid, counters)
        os.close(counters)
        os.close(beat)
        self.started = time.monotonic()
        self.last_beat = self.started + START_SECONDS - SILENT_SECONDS  # so that the first one may take START_SECONDS
        self.serves = False  # whether a beat has come
        self.stopping = False  # whether it was told to stop

    def read_beats(self) -> None:
        """Read the beats that have come, and record the time of the last one."""
        try:
            if os.read(self.beats, 4096):
                self.last_beat = time.monotonic()
                if not self.serves:
                    self.serves = True
                    logger.info("Worker %d serves", self.process.pid)
        except BlockingIOError:
            pass

    def ended(self) -> bool:
        """Return whether the process has ended. Kill it first if it was silent for too long."""
        if self.process.poll() is None and time.monotonic() - self.last_beat > SILENT_SECONDS:
            logger.error("Worker %d gives no sign of life: killed", self.process.pid)
            self.process.kill()
            self.process.wait()
        return self.process.poll() is not None

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send the process this signal, or SIGTERM if it does not serve yet. Further calls do nothing."""
        if not self.stopping:
            self.stopping = True
            self.process.send_signal(number if self.serves else signal.SIGTERM)

    def close(self) -> None:
        """Close the pipe of beats, after the process has ended."""
        os.close(self.beats)


class Supervisor:
    """Keeps `settings.workers` workers running until SIGTERM or SIGINT."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.listeners = listen_for_each(settings)
        self.totals = Totals(settings.workers)
        self.workers: list[Worker] = []
        self.failures = 0  # workers in a row that died soon after their start
        self.start_at = 0.0  # time.monotonic before which no worker is started
        self.announced = False  # whether the log says that all workers serve
        self.stopping = False
        self.not_ready_seconds = 0.0

    def run(self) -> int:
        """Supervise until a signal comes. Return the exit status: 0, or a worker's if no worker can start."""
        signal.signal(signal.SIGTERM, self._signalled)
        signal.signal(signal.SIGINT, self._signalled)
        expose(self.settings, self.totals.render)
        while not self.stopping:
            if len(self.workers) < self.settings.workers and time.monotonic() >= self.start_at:
                self._start()
                continue
            self._wait(0.25)
            for worker in [worker for worker in self.workers if worker.ended()]:
                if status := self._remove(worker):
                    self._signalled(signal.SIGINT, None)
                    self._stop()
                    return status
        self._stop()
        return 0

    def _start(self) -> None:
        """Start a worker on a socket that has none."""
        taken = [worker.listener for worker in self.workers]
        free = next(listener for listener in self.listeners if taken.count(listener) < self.listeners.count(listener))
        self.workers.append(Worker(free, self.settings, self.totals))

    def _signalled(self, number: int, _: FrameType | None) -> None:
        """Stop all workers with this signal. A second signal ends everything at once."""
        if self.stopping:
            for worker in self.workers:
                worker.process.kill()
            os._exit(0)
        self.stopping = True
        self.not_ready_seconds = self.settings.not_ready_seconds if number == signal.SIGTERM else 0.0
        for worker in self.workers:
            worker.stop(number)

    def _wait(self, seconds: float) -> None:
        """Wait for a beat, the end of a worker or a signal, for at most `seconds`."""
        ready, _, _ = select.select([worker.beats for worker in self.workers], [], [], seconds)
        for worker in self.workers:
            if worker.beats in ready:
                worker.read_beats()
        if not self.announced and sum(worker.serves for worker in self.workers) == self.settings.workers:
            self.announced = True
            logger.info("running on %s, %d workers", address(self.listeners[0]), self.settings.workers)
        if ready:  # the pipe of a dead worker is always ready: without a pause this loop would spin
            time.sleep(0.05)

    def _remove(self, worker: Worker) -> int:
        """Remove a worker that has ended, so that another is started. Return an exit status if that would fail too."""
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
        if self.failures > self.settings.workers:  # single workers may be killed; if all fail, the cause is common
            pause = min(2.0 ** (self.failures - self.settings.workers - 1), MAX_PAUSE_SECONDS)
            serving = sum(worker.serves for worker in self.workers)
            logger.error(
                "Workers end as soon as they start: %d of %d serve, the next one starts in %g s",
                *(serving, self.settings.workers, pause),
            )
            self.start_at = time.monotonic() + pause
        return 0

    def _stop(self) -> None:
        for worker in self.workers:  # a worker that was being started when the signal came was not stopped
            worker.stop()
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
    """Serve with several workers until SIGTERM or SIGINT. Return the exit status.

    Raises Refusal if a setting is wrong or the port cannot be used.
    """
    set_up_logging(settings)
    return Supervisor(settings).run()


def work(settings: Settings, listener: int, beat: int, counters: int) -> None:
    """Serve as a worker. The arguments after `settings` are file descriptors, see app/process/serve.py.

    On Linux the worker gets SIGTERM when its supervisor dies.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    from app.process.serve import serve

    serve(settings, socket.socket(fileno=listener), beat, counters)


if __name__ == "__main__":
    from app.process.signals import leave_on_signals
    from contract.refusal import exit_status

    leave_on_signals()
    *_descriptors, _settings = sys.argv[1:]
    sys.exit(exit_status(lambda: work(_decode_settings(_settings), *map(int, _descriptors))))
