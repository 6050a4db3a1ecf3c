"""What one process has seen of a run. Locust keeps whole milliseconds; this keeps microseconds, and adds up."""

import time

import msgspec

from benchmarks.load.histogram import Histogram

MOST_REASONS = 20  # of different failures; the rest is counted with the others


class Recording(msgspec.Struct):
    """Latencies by name of question and by second of the run, failures by name, and why."""

    latencies: dict[str, Histogram] = {}
    seconds: dict[int, Histogram] = {}
    failures: dict[str, int] = {}
    reasons: dict[str, int] = {}

    def add(self, name: str, second: int, microseconds: float, failure: str) -> None:
        """One request; `failure` is empty where it was right."""
        self.latencies.setdefault(name, Histogram()).add(microseconds)
        self.seconds.setdefault(second, Histogram()).add(microseconds)
        if failure:
            self.failures[name] = self.failures.get(name, 0) + 1
            self._because(f"{name}: {failure}", 1)

    def merge(self, other: "Recording") -> None:
        """As if the other's requests had been added here."""
        for name, histogram in other.latencies.items():
            self.latencies.setdefault(name, Histogram()).merge(histogram)
        for second, histogram in other.seconds.items():
            self.seconds.setdefault(second, Histogram()).merge(histogram)
        for name, count in other.failures.items():
            self.failures[name] = self.failures.get(name, 0) + count
        for reason, count in other.reasons.items():
            self._because(reason, count)

    def _because(self, reason: str, count: int) -> None:
        if reason not in self.reasons and len(self.reasons) >= MOST_REASONS:
            reason = "others"
        self.reasons[reason] = self.reasons.get(reason, 0) + count


class Recorder:
    """Records from `begin` on: what came before was warm-up."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """As at the start: nothing recorded, warming up."""
        self.recording = Recording()
        self.began: float | None = None  # time.perf_counter()

    def begin(self) -> None:
        """The warm-up is over."""
        self.recording, self.began = Recording(), time.perf_counter()

    def record(self, name: str, milliseconds: float, failure: str) -> None:
        """One request that has just ended."""
        if self.began is not None:
            second = int(time.perf_counter() - self.began)
            self.recording.add(name, second, milliseconds * 1000, failure)

    def take(self) -> Recording:
        """What was recorded since the last time."""
        taken, self.recording = self.recording, Recording()
        return taken
