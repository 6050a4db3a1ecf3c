"""Locust's events around a run: the warm-up's end, what workers report, and the verdict. Imports Locust, and so gevent.

Locust's own statistics are reset as well when the warm-up ends. A worker's report of the warm-up that is then on its
way reaches the master's table, not ours: a worker records nothing before it is told to.
"""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import msgspec
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from benchmarks.load.histogram import merged
from benchmarks.load.outcome import Outcome, groups, points, verdict
from benchmarks.load.profiles import PROFILES, Profile
from benchmarks.load.recorder import Recorder, Recording
from contract.files import write_atomically

MEASURE, REST = "load-measure", "load-rest"  # messages: to workers, and back
REPORT = "load"  # in a worker's regular report
USERS_PER_SECOND = 100  # a step of users comes at once


def add_options(parser: ArgumentParser) -> None:
    """Ours among Locust's. Its own --profile is another thing: a label for a run."""
    parser.add_argument(
        "--load-profile",
        choices=list(PROFILES),
        default="normal",
        env_var="PROFILE",
        help="; ".join(f"{profile.name}: {profile.words}" for profile in PROFILES.values()),
    )
    parser.add_argument("--load-short", action="store_true", help="a few seconds of it, for trying")
    parser.add_argument("--load-results", default="", metavar="FILE", help="where the outcome goes, as JSON")


class Measurement:
    """One process's part in the runs of an environment."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._recorder = Recorder()
        self._forget()
        events, runner = environment.events, environment.runner
        assert runner
        events.test_start.add_listener(self._on_test_start)
        events.request.add_listener(self._on_request)
        events.test_stop.add_listener(self._on_test_stop)
        events.quitting.add_listener(self._on_quitting)
        if isinstance(runner, WorkerRunner):
            events.report_to_master.add_listener(self._on_report_to_master)
            runner.register_message(MEASURE, self._on_measure)
        elif isinstance(runner, MasterRunner):
            events.worker_report.add_listener(self._on_worker_report)
            runner.register_message(REST, self._on_rest)

    def _forget(self) -> None:
        """What is of one run."""
        self._recorder.clear()
        self._began, self._ended, self._ticked = 0.0, 0.0, 0.0  # time.time()
        self._offered, self._users = 0.0, 0
        self._users_by_second: dict[int, int] = {}
        self._generators = 1

    @property
    def profile(self) -> Profile:
        """As the command line, the environment, the web page or the master says."""
        options = self._environment.parsed_options
        assert options
        profile = PROFILES[options.load_profile]
        return profile.shortened() if options.load_short else profile

    def tick(self, seconds: float) -> tuple[int, float] | None:
        """How many users there shall be, that many seconds after the start; None at the end."""
        profile = self.profile
        into = seconds - profile.warm_up_seconds
        if into >= 0:
            self._begin_once()
            self._count_offered()
        if into >= profile.seconds:
            self._ended = time.time()
            return None
        self._users = profile.users_at(into)
        if into >= 0:
            self._users_by_second[int(time.time() - self._began)] = self._users
        return self._users, USERS_PER_SECOND

    def _begin_once(self) -> None:
        """The end of the warm-up: all statistics start anew, here and at the workers."""
        if self._recorder.began is not None:
            return
        runner = self._environment.runner
        assert runner
        if isinstance(runner, MasterRunner):
            self._generators = runner.worker_count
            runner.send_message(MEASURE)
        self._environment.stats.reset_all()
        self._recorder.begin()
        self._began = self._ticked = time.time()

    def _count_offered(self) -> None:
        """Requests that the users of the last second should have made since."""
        now = time.time()
        self._offered += (now - self._ticked) * self._users * self.profile.asks_per_second
        self._ticked = now

    def _on_test_start(self, **_: Any) -> None:
        self._forget()

    def _on_request(self, name: str, response_time: float, exception: BaseException | None = None, **_: Any) -> None:
        self._recorder.record(name, response_time, str(exception) or type(exception).__name__ if exception else "")

    def _on_measure(self, **_: Any) -> None:
        self._environment.stats.reset_all()
        self._recorder.begin()

    def _on_report_to_master(self, data: dict[str, Any], **_: Any) -> None:
        data[REPORT] = msgspec.to_builtins(self._recorder.take(), str_keys=True)

    def _on_worker_report(self, data: dict[str, Any], **_: Any) -> None:
        self._merge(data[REPORT])

    def _on_rest(self, msg: Any, **_: Any) -> None:
        self._merge(msg.data)

    def _merge(self, reported: Any) -> None:
        self._recorder.recording.merge(msgspec.convert(reported, Recording, strict=False))

    def _on_test_stop(self, **_: Any) -> None:
        """With the web page the workers have stopped by now; without it the master hears of them until it quits."""
        runner, options = self._environment.runner, self._environment.parsed_options
        assert runner
        assert options
        if isinstance(runner, WorkerRunner):
            runner.send_message(REST, msgspec.to_builtins(self._recorder.take(), str_keys=True))
        elif not options.headless:
            self._conclude()

    def _on_quitting(self, **_: Any) -> None:
        options = self._environment.parsed_options
        assert options
        if options.headless and not isinstance(self._environment.runner, WorkerRunner):
            self._conclude()

    def _conclude(self) -> None:
        """Print the verdict, set the exit status, write the outcome."""
        outcome = self.outcome()
        options, runner = self._environment.parsed_options, self._environment.runner
        assert options
        assert runner
        print(f"\n{verdict(outcome)}\n", flush=True)
        self._environment.process_exit_code = 0 if outcome.kept and not runner.exceptions else 1
        if options.load_results:
            write_atomically(Path(options.load_results), msgspec.json.encode(outcome) + b"\n")

    def outcome(self) -> Outcome:
        """Of the run that has ended."""
        recording, profile = self._recorder.recording, self.profile
        seconds = (self._ended or time.time()) - self._began if self._began else 0.0
        whole = {second: latency for second, latency in recording.seconds.items() if second + 1 <= seconds}
        return Outcome(
            profile=profile.name,
            short=profile.short,
            host=self._environment.host or "",
            began=round(self._began, 3),
            seconds=round(seconds, 3),
            offered=round(self._offered, 1),
            generators=self._generators,
            latency=merged(list(recording.latencies.values())),
            groups=groups(recording),
            points=points(whole, self._users_by_second),
            reasons=recording.reasons,
        )
