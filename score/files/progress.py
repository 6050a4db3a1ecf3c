"""How far a job is: a bar on a terminal, a line every 30 seconds elsewhere, or nothing."""

import sys
import time
from collections.abc import Sequence

from score.files.job import Part

BAR_SECONDS, LINE_SECONDS = 0.2, 30.0
WIDTH = 24  # of the bar, in characters


class Progress:
    """Counts rows and says so on stderr. A part weighs as much as its bytes."""

    def __init__(self, parts: Sequence[Part], *, quiet: bool) -> None:
        self.rows = self.bad_rows = 0
        self._weights = {part.output: part.source.size / part.groups if part.groups else 0.0 for part in parts}
        self._whole = sum(self._weights.values()) or 1.0
        self._shares: dict[str, float] = {}
        self._terminal = sys.stderr.isatty()
        self._quiet = quiet
        self._start = self._last = time.monotonic()

    def add(self, part: Part, rows: int, bad_rows: int, share: float) -> None:
        """Count rows of a part, of which this share is done."""
        self.rows += rows
        self.bad_rows += bad_rows
        self._shares[part.output] = max(share, self._shares.get(part.output, 0.0))

    def show(self, *, last: bool = False) -> None:
        """Say how far it is, if it is time to."""
        now = time.monotonic()
        pause = BAR_SECONDS if self._terminal else LINE_SECONDS
        if self._quiet or (not (last and self._terminal) and now - self._last < pause):
            return
        self._last = now
        text = self.text(now - self._start)
        if self._terminal:
            print(f"\r\x1b[K{self._bar()} {text}", end="\n" if last else "", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def say(self, sentence: str) -> None:
        """Print a sentence, which is an error, on a line of its own."""
        clear = "\r\x1b[K" if self._terminal and not self._quiet else ""
        print(f"{clear}error: {sentence}", file=sys.stderr, flush=True)

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        return min(1.0, sum(share * self._weights[name] for name, share in self._shares.items()) / self._whole)

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._start

    def text(self, seconds: float) -> str:
        """Return the state in words, after so many seconds."""
        speed = f"{self.rows / seconds:,.0f} rows/s" if seconds else "0 rows/s"
        left = f", {_duration(seconds / self.share * (1 - self.share))} left" if 0 < self.share < 1 else ""
        return f"{self.share:4.0%} {self.rows:,} rows, {speed}{left}, {self.bad_rows:,} bad rows"

    def _bar(self) -> str:
        full = int(self.share * WIDTH)
        return f"[{'#' * full}{'.' * (WIDTH - full)}]"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
