"""Users of the service, for Locust: `make load PROFILE=stress HOST=http://127.0.0.1:8080`; `locust` has a web page.

The profiles, their warm-up and their objectives are data (benchmarks/load/profiles.py); an objective that is missed
ends Locust with status 1. PROFILE or --load-profile names one. Also with --master and --worker, or --processes N.
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
    """Ours among Locust's options."""
    add_options(parser)


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """Once a process, before any user."""
    Penguins.measurement = Steps.measurement = Measurement(environment)


class Penguins(FastHttpUser):
    """Asks about birds, rightly and wrongly, and judges every answer."""

    host = "http://127.0.0.1:8080"  # of `make run`; --host is another
    connection_timeout = 10.0
    network_timeout = 10.0
    measurement: ClassVar[Measurement]
    birds: ClassVar[list[dict[str, float]]] = read_birds()

    def on_start(self) -> None:
        """Users who come together do not ask in step."""
        self.random = Random()  # noqa: S311  # not a secret
        time.sleep(self.random.random() / self.measurement.profile.asks_per_second)

    def wait_time(self) -> float:
        """Seconds until the next question is due; one that is late is asked at once, none is made up for."""
        return max(0.0, self.next_at - time.perf_counter())

    @task
    def predict(self) -> None:
        """One question, and what is wrong with its answer."""
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
    """As many users as the profile has at that time."""

    measurement: ClassVar[Measurement]

    def tick(self) -> tuple[int, float] | None:
        """Once a second."""
        return self.measurement.tick(self.get_run_time())
