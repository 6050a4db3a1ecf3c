"""Locust's events around a run: the end of the warm-up, each request, and the verdict. It imports Locust and gevent."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from locust.env import Environment

from benchmarks.load.locust_run import LocustRun
from benchmarks.load.profiles import PROFILES, Profile

USERS_PER_SECOND = 100  # a step of users comes at once


def add_options(parser: ArgumentParser) -> None:
    """Add our options to Locust's. Locust's own --profile is another thing: a label for a run."""
    words = "; ".join(f"{profile.name}: {profile.words}" for profile in PROFILES.values())
    parser.add_argument("--load-profile", choices=list(PROFILES), default="normal", env_var="PROFILE", help=words)
    parser.add_argument("--load-short", action="store_true", help="a few seconds of it, for trying")
    parser.add_argument("--load-results", default="", metavar="FILE", help="where the outcome goes, as JSON")


class Measurement:
    """The measurement of an environment's current run; the run begins when the warm-up ends."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._forget()
        environment.events.test_start.add_listener(self._forget)
        environment.events.request.add_listener(self._record)
        environment.events.test_stop.add_listener(self._conclude)

    def _forget(self, **_: Any) -> None:
        options: Any = self._environment.parsed_options
        self._run = LocustRun(options.load_profile, options.load_short)

    @property
    def profile(self) -> Profile:
        """Return the profile of this run."""
        return self._run.planned()

    def tick(self, seconds: float) -> tuple[int, float] | None:
        """Return how many users there shall be, that many seconds after the start; None at the end."""
        run, profile, now = self._run, self.profile, time.time()
        into = seconds - profile.warm_up_seconds
        if into >= 0:
            if not run.began:
                self._environment.stats.reset_all()
                run.began = now
            into = run.seconds = now - run.began  # a late first tick does not make the measured time shorter
        if into >= profile.seconds:
            return None
        return profile.users_at(into), USERS_PER_SECOND

    def _record(self, name: str, response_time: float, exception: BaseException | None = None, **_: Any) -> None:
        if self._run.began:
            failure = f"{name}: {str(exception) or type(exception).__name__}" if exception else ""
            self._run.add(response_time, failure)

    def _conclude(self, **_: Any) -> None:
        """Print the verdict, set the exit status, and store the run."""
        print(f"\n{self._run.verdict()}\n", flush=True)
        runner, kept = self._environment.runner, all(kept for *_, kept in self._run.judgement())
        self._environment.process_exit_code = 0 if kept and runner and not runner.exceptions else 1
        if path := self._environment.parsed_options.load_results:  # type: ignore[union-attr]  # it is always parsed
            self._run.store(Path(path))
