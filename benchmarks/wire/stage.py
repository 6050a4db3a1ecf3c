"""Where contenders run: each server on its core, in its environment, with an answer that was checked."""

import contextlib
import socket
import time
from collections.abc import Iterator, Sequence

import msgspec

from benchmarks.wire.example import check_prediction, check_size, first_answer, warm_up
from benchmarks.wire.plan import CONTENDERS, OURS, Contender, Plan
from benchmarks.wire.processes import Cores, Server, two_cores
from benchmarks.wire.servers.constants import VARIABLE

WARM_UP = 300  # requests


class Stage:
    """What all servers of a run have in common: their environment, and the answer of ours that constants repeat."""

    def __init__(self, plan: Plan) -> None:
        self.server_core, self.generator_core = two_cores()
        artifacts = plan.artifacts.resolve()
        self._environment = {
            "BUNDLE": str(artifacts / "bundle"),
            "ALLOW_UNSIGNED_BUNDLES": "1",
            "MODEL": str(artifacts / "penguin_model.json"),
        }
        with self.serving(CONTENDERS[OURS]) as server:
            self.expected = first_answer(server)
        self.repeat(self.expected)

    def repeat(self, answer: bytes) -> None:
        """What constants say from now on."""
        self._environment[VARIABLE] = answer.decode("latin-1")

    def start(self, contender: Contender, cores: Cores | None = None) -> Server:
        """A fresh process on the server's core, or others."""
        environment = {**self._environment, **contender.environment}
        server = Server(contender.module, free_port(), environment, cores or self.server_core)
        server.new_heads = contender.new_heads
        return server

    @contextlib.contextmanager
    def serving(self, contender: Contender, cores: Cores | None = None) -> Iterator[Server]:
        """The same, until the block ends."""
        server = self.start(contender, cores)
        try:
            yield server
        finally:
            server.stop()

    @contextlib.contextmanager
    def ready(self, contender: Contender, cores: Cores | None = None) -> Iterator[Server]:
        """The same, once it has answered rightly and is warm. Raises Wrong."""
        with self.serving(contender, cores) as server:
            answer = first_answer(server)
            (check_prediction if contender.predicts else check_size)(answer, self.expected)
            warm_up(server.port, WARM_UP)
            yield server

    @contextlib.contextmanager
    def workers(self, workers: int, cores: Sequence[Cores]) -> Iterator[Server]:
        """Ours with so many workers, ready, on all of these cores. Raises Wrong."""
        ours = CONTENDERS[OURS]
        several = msgspec.structs.replace(ours, module=(*ours.module, "--workers", str(workers)))
        with self.ready(several, frozenset[int]().union(*cores)) as server:
            yield server

    def first_answer_ms(self, contender: Contender) -> float:
        """From the start of a fresh process to its first 200."""
        started = time.perf_counter()
        server = self.start(contender)
        try:
            first_answer(server)
            return (time.perf_counter() - started) * 1000
        finally:
            server.kill()


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
