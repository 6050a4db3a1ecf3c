"""Users of the service, for Locust: `make load PROFILE=stress HOST=http://127.0.0.1:8080`; `locust` has a web page.

The profiles, their warm-up and their objectives are data (benchmarks/load/profiles.py); an objective that is missed
ends Locust with status 1. PROFILE or --load-profile names one. One process asks; --processes is not supported.
"""

import time
from argparse import ArgumentParser
from random import Random
from typing import Any, ClassVar

from locust import FastHttpUser, LoadTestShape, events, task
from locust.env import Environment

from benchmarks.load.measuring import Measurement, add_options
from benchmarks.load.questions import ask, mistake, read_birds


@events.init_command_line_parser.add_listener
def on_init_command_line_parser(parser: ArgumentParser) -> None:
    """Add our options to Locust's."""
    add_options(parser)


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """Make the measurement before any user."""
    Penguins.measurement = Steps.measurement = Measurement(environment)


class Penguins(FastHttpUser):
    """A user who asks about birds, rightly and wrongly, and judges every answer."""

    host = "http://127.0.0.1:8080"  # where `make run` serves; --host names another
    connection_timeout = 10.0
    network_timeout = 10.0
    measurement: ClassVar[Measurement]
    birds: ClassVar[list[dict[str, float]]] = read_birds()

    def on_start(self) -> None:
        """Wait for a random time, so that users who start at the same time do not ask in step."""
        self.random = Random()  # noqa: S311  # not a secret
        time.sleep(self.random.random() / self.measurement.profile.asks_per_second)

    def wait_time(self) -> float:
        """Return the seconds until the next question is due; a late one is asked at once, a missed one never."""
        return max(0.0, self.next_at - time.perf_counter())

    @task
    def predict(self) -> None:
        """Ask one question, and judge the answer."""
        gap = self.random.uniform(0.5, 1.5) / self.measurement.profile.asks_per_second
        self.next_at = time.perf_counter() + gap
        question = ask(self.random, self.birds)
        headers = {"content-type": question.content_type}
        with self.client.post(
            "/predict", data=question.body.decode(), headers=headers, name=question.name, catch_response=True
        ) as response:
            wrong = mistake(question, response.status_code, response.headers or {}, response.content or b"")
            if wrong:
                response.failure(wrong)
            else:
                response.success()


class Steps(LoadTestShape):
    """The profile's number of users over time."""

    measurement: ClassVar[Measurement]

    def tick(self) -> tuple[int, float] | None:
        """Return the number of users; Locust calls this once a second."""
        return self.measurement.tick(self.get_run_time())
