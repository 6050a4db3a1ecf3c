"""Whether the service lives, and whether it can predict: for this API and for the Open Inference Protocol."""

import msgspec

from app.answer import JSON, Answer, Health, Problem, json_answer, problem
from app.protocol import ModelReady, ServerLive, ServerReady
from app.serving import Serving
from app.wire import Wire

LIVE = json_answer(Health("live"))
READY = json_answer(Health("ready"))
STOPPING = problem(Problem("Service Unavailable", 503, "this server is stopping; ask another one"))
SERVER_LIVE = json_answer(ServerLive())
SERVER_READY = json_answer(ServerReady())
SERVER_STOPPING = Answer(503, JSON, msgspec.json.encode(ServerReady(ready=False)))
MODEL_READY = json_answer(ModelReady())
MODEL_NOT_READY = Answer(503, JSON, msgspec.json.encode(ModelReady(ready=False)))


class HealthChecks:
    """Handlers that take a body and ignore it."""

    def __init__(self, serving: Serving, wire: Wire) -> None:
        self._serving = serving
        self._wire = wire

    def live(self, _: object) -> Answer:
        """As long as the process answers."""
        return LIVE

    def ready(self, _: object) -> Answer:
        """Whether to send requests here: not while it stops, nor without a model."""
        if self._wire.draining:
            return STOPPING
        return READY if self._serving.served else self._serving.unavailable

    def server_live(self, _: object) -> Answer:
        """The protocol's name for `live`."""
        return SERVER_LIVE

    def server_ready(self, _: object) -> Answer:
        """The protocol's name for `ready`."""
        if self._wire.draining:
            return SERVER_STOPPING
        return SERVER_READY if self._serving.served else self._serving.server_unready

    def model(self) -> Answer:
        """Whether the one model is there."""
        return MODEL_READY if self._serving.served else MODEL_NOT_READY
