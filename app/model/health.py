"""The health checks, for this API and for the Open Inference Protocol: is the service live, and can it predict?"""

from collections.abc import Callable

import msgspec

from app.core.answer import JSON, Answer, Health, Problem, json_answer, problem
from app.core.protocol import ModelReady, ServerLive, ServerReady
from app.model.serving import Serving

LIVE = json_answer(Health("live"))
READY = json_answer(Health("ready"))
STOPPING = problem(Problem("Service Unavailable", 503, "this server is stopping; ask another one"))
SERVER_LIVE = json_answer(ServerLive())
SERVER_READY = json_answer(ServerReady())
SERVER_STOPPING = Answer(503, JSON, msgspec.json.encode(ServerReady(ready=False)))


class HealthChecks:
    """The handlers of the health checks. They ignore the request's body."""

    def __init__(self, serving: Serving, draining: Callable[[], bool]) -> None:
        """`draining` returns whether the process is about to stop."""
        self._serving = serving
        self._draining = draining

    def live(self, _: object) -> Answer:
        """Answer 200: the process is live if it answers at all."""
        return LIVE

    def ready(self, _: object) -> Answer:
        """Answer 200 if requests can be sent here, or 503 if the server is stopping or no model is loaded."""
        if self._draining():
            return STOPPING
        return READY if self._serving.served else self._serving.unavailable

    def server_live(self, _: object) -> Answer:
        """Answer as `live`, with the protocol's document."""
        return SERVER_LIVE

    def server_ready(self, _: object) -> Answer:
        """Answer as `ready`, with the protocol's document."""
        if self._draining():
            return SERVER_STOPPING
        return SERVER_READY if self._serving.served else self._serving.server_unready

    def model(self, name: str) -> Answer:
        """Answer 200 if the model is loaded, else 503, with the protocol's document."""
        if self._serving.served:
            return json_answer(ModelReady(name))
        return Answer(503, JSON, msgspec.json.encode(ModelReady(name, ready=False)))
