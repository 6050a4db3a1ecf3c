"""Where contenders run: each server on its core, in its environment, and its answer was checked."""

import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.wire.connection import Connection
from benchmarks.wire.contenders import CONTENDERS, OURS, HttpContender
from benchmarks.wire.processes import NotServed, Server, naming, serving, two_cores
from benchmarks.wire.servers.constants import VARIABLE

WARM_UP = 300  # requests
TOLERANCE = 1e-6  # of a probability
OWN_HEADERS = 64  # bytes, of a server's name and the like


class Answered(msgspec.Struct, frozen=True):
    """The fields that every predictor answers; ours answers more."""

    prediction: int
    species: str
    probabilities: dict[str, float]


class Stage:
    """What all servers of a run share: their environment, and our answer that constants repeat."""

    def __init__(self, artifacts: Path) -> None:
        self.server_core, self.generator_core = two_cores()
        model, bundle = (str(artifacts.resolve() / name) for name in ("penguin_model.json", "bundle"))
        self.environment = {"BUNDLE": bundle, "ALLOW_UNSIGNED_BUNDLES": "1", "MODEL": model}
        with self.serving(CONTENDERS[OURS]) as server:
            self.expected = server.first_answer()
        self.environment[VARIABLE] = self.expected.decode("latin-1")

    def serving(self, contender: HttpContender) -> contextlib.AbstractContextManager[Server]:
        """Run a fresh process that has answered until the block ends. Raises NotServed."""
        return serving(contender.module, {**self.environment, **contender.environment}, self.server_core)

    @contextlib.contextmanager
    def ready(self, contender: HttpContender) -> Iterator[Server]:
        """Run a server that has answered rightly and is warm. Raises NotServed."""
        with self.serving(contender) as server:
            with awake(server, contender), contextlib.closing(Connection(server.port)) as connection:
                answers = [connection.ask() for _ in range(WARM_UP)]
            with naming(contender.words):
                (check_prediction if contender.predicts else check_size)(answers[-1], self.expected)
            yield server

    def first_answer_ms(self, contender: HttpContender) -> float:
        """Return milliseconds from the start of a fresh process to its first 200."""
        started = time.perf_counter()
        with self.serving(contender):
            return (time.perf_counter() - started) * 1000


@contextlib.contextmanager
def awake(server: Server, contender: HttpContender) -> Iterator[None]:
    """Let the server take its turn. A server that spins is stopped after it."""
    if contender.spins:
        server.process.send_signal(signal.SIGCONT)
    yield
    if contender.spins:
        server.process.send_signal(signal.SIGSTOP)


def check_prediction(answer: bytes, expected: bytes) -> None:
    """Compare the prediction; probabilities may differ by one step of float32. Raises NotServed."""
    try:
        found, right = (
            msgspec.json.decode(whole.partition(b"\r\n\r\n")[2], type=Answered) for whole in (answer, expected)
        )
    except msgspec.DecodeError as error:
        raise NotServed(f"expected a document like ours: {error}") from None
    distances = (abs(found.probabilities.get(name, 2.0) - share) for name, share in right.probabilities.items())
    if (found.prediction, found.species) != (right.prediction, right.species) or max(distances) > TOLERANCE:
        raise NotServed(f"another answer: expected {right}, found {found}")


def check_size(answer: bytes, expected: bytes) -> None:
    """Compare the size with that of our answer, but for headers of the server's own. Raises NotServed."""
    if abs(len(answer) - len(expected)) > OWN_HEADERS:
        raise NotServed(f"expected an answer of {len(expected)} bytes, found {len(answer)}")
