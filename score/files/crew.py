"""The worker processes of a job: each gets a part when it is idle. One that dies is replaced; its part failed."""

import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from score.files.job import Part
from score.files.progress import Progress
from score.files.worker import Report, Task, decode_report

TICK_SECONDS = 0.2
ROOT = Path(__file__).parents[2]


class Worker:
    """One process, and the part that it has."""

    def __init__(self, task: Task) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "score.files.worker"],
            cwd=Path.cwd(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
        )
        self.part: Part | None = None
        self.rows = self.bad_rows = 0  # of the part, as far as they are counted
        self._told = b""
        self._send(msgspec.json.encode(task))

    def _send(self, line: bytes) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it is dead, which is seen when it is read
            self.process.stdin.write(line + b"\n")
            self.process.stdin.flush()

    def give(self, part: Part) -> None:
        """Give it a part."""
        self.part, self.rows, self.bad_rows = part, 0, 0
        self._send(msgspec.json.encode(part))

    def read(self) -> list[Report] | None:
        """Return what it has said since the last call, or None if it has ended."""
        assert self.process.stdout is not None
        data = self.process.stdout.read1(1 << 16)  # type: ignore[attr-defined]
        if not data:
            return None
        *lines, self._told = (self._told + data).split(b"\n")
        return [decode_report(line) for line in lines]

    def end(self) -> int:
        """Tell it that there are no more parts. Return its exit status."""
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
        return self.process.wait()


class Crew:
    """So many workers as there are processes, while they answer parts."""

    def __init__(self, task: Task, processes: int, progress: Progress) -> None:
        self._task = task
        self._processes = processes
        self._progress = progress
        self._selector = selectors.DefaultSelector()
        self.failed = 0

    def answer(self, parts: Sequence[Part]) -> None:
        """Answer all parts. Those that fail are counted, and their sentences printed."""
        waiting = deque(parts)
        try:
            while waiting or self._selector.get_map():
                while waiting and len(self._selector.get_map()) < self._processes:
                    self._start(waiting)
                for key, _ in self._selector.select(TICK_SECONDS):
                    self._hear(key.data, waiting)
                self._progress.show()
        finally:
            for key in [*self._selector.get_map().values()]:
                key.data.process.kill()
                key.data.end()
            self._selector.close()

    def _start(self, waiting: "deque[Part]") -> None:
        worker = Worker(self._task)
        self._selector.register(worker.process.stdout, selectors.EVENT_READ, worker)  # type: ignore[arg-type]
        worker.give(waiting.popleft())

    def _hear(self, worker: Worker, waiting: "deque[Part]") -> None:
        reports = worker.read()
        if reports is None:
            self._selector.unregister(worker.process.stdout)  # type: ignore[arg-type]
            status = worker.end()
            if worker.part is not None:
                self._fail(f"{worker.part.source.path}: its process ended ({_death(status)}); run the command again")
            return
        for report in reports:
            self._take(worker, report)
        if worker.part is None:
            if waiting:
                worker.give(waiting.popleft())
            else:
                self._selector.unregister(worker.process.stdout)  # type: ignore[arg-type]
                worker.end()

    def _take(self, worker: Worker, report: Report) -> None:
        part = worker.part
        assert part is not None
        if report.failed:
            self._progress.add(part, -worker.rows, -worker.bad_rows, 1.0)
            self._fail(report.failed)
            worker.part = None
        elif report.done:
            self._progress.add(part, 0, 0, 1.0)
            worker.part = None
        else:
            worker.rows += report.rows
            worker.bad_rows += report.bad_rows
            self._progress.add(part, report.rows, report.bad_rows, report.share)

    def _fail(self, sentence: str) -> None:
        self.failed += 1
        self._progress.say(sentence)


def _environment() -> dict[str, str]:
    """Return the environment of a worker: it finds this code, wherever the command was started."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}


def _death(status: int) -> str:
    if status >= 0:
        return f"status {status}"
    name = signal.Signals(-status).name
    return f"{name}: perhaps out of memory" if name == "SIGKILL" else name
