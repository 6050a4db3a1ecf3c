"""What this process serves. A swap replaces one attribute, so that a request sees one bundle or another, never both.

A request reads `served` once and holds it until it has its answer: whoever was first keeps what it began with, and a
library that nobody holds any more is unmapped (app/mapping.py).
"""

import math
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from app.about import about
from app.answer import JSON, Answer, Headers, Problem, problem
from app.bundle import Bundle
from app.explainer import Explainer
from app.library import Batch, Library, Prediction
from app.outcomes import Outcomes
from app.protocol import ServerReady, protocol_error
from contract.training import TrainingSummary

if TYPE_CHECKING:
    from app.challenger import Challenger

FIRST_RETRY_SECONDS = 1.0
Offer = Callable[[tuple[float, ...], int, dict[str, float]], None]
OfferRows = Callable[[bytes, int, int, Batch], None]


class Served:
    """A library, and what is made once for it. `headers` is one list for all answers in JSON: Wire.head knows it.

    `about` is the body of GET /model.
    """

    __slots__ = ("about", "explainer", "headers", "library", "named", "predict", "version")

    def __init__(self, library: Library, version: str, about: bytes = b"", trees: bytes | None = None) -> None:
        self.version = version
        self.library = library
        self.predict: Callable[[tuple[float, ...]], Prediction] = library.predict
        self.named = (b"model-version", version.encode())
        self.headers: Headers = [*JSON, self.named]
        self.about = Answer(200, self.headers, about)
        self.explainer = None if trees is None else Explainer(library, trees)

    def name(self, answer: Answer) -> Answer:
        """The same answer, saying which model was asked."""
        return msgspec.structs.replace(answer, headers=[*answer.headers, self.named])


class Serving:
    """Made once a process. `unavailable` and its kin are the answers where there is nothing to serve."""

    __slots__ = (
        *("_swapping", "challenger", "fallback", "offer", "offer_rows", "on_swap", "outcomes", "training"),
        *("protocol_unavailable", "served", "unavailable"),
    )

    def __init__(self, served: Served | None = None) -> None:
        self.served = served
        self.challenger: Challenger | None = None
        self.outcomes = Outcomes()
        self.training: TrainingSummary | None = None  # of what is served
        self.fallback = False  # whether that is another bundle than the one that should be
        self.offer: Offer | None = None  # to the challenger, once there is one
        self.offer_rows: OfferRows | None = None
        self.on_swap: Callable[[], None] = lambda: None
        self._swapping = threading.Lock()
        self.refused("it is being loaded", FIRST_RETRY_SECONDS)

    @property
    def version(self) -> str | None:
        """Of what is served."""
        served = self.served
        return served.version if served else None

    def swap(self, bundle: Bundle) -> None:
        """Serve this one from the next request on. From any thread."""
        served = Served(bundle.library, bundle.version, msgspec.json.encode(about(bundle)), bundle.trees)
        with self._swapping:
            self.served = served
            self.training = bundle.training
            self.on_swap()

    def refused(self, why: str, retry_seconds: float | None) -> None:
        """Say to who asks that there is nothing to serve, as long as there is nothing."""
        detail = f"no model is loaded: {why}"
        retry = [] if retry_seconds is None else [(b"retry-after", b"%d" % max(1, math.ceil(retry_seconds)))]
        self.protocol_unavailable = protocol_error(503, detail, retry)
        self.unavailable = problem(Problem("Service Unavailable", 503, detail), retry)

    @property
    def server_unready(self) -> Answer:
        """What /v2/health/ready says then."""
        retry = [header for header in self.unavailable.headers if header[0] == b"retry-after"]
        return Answer(503, JSON + retry, msgspec.json.encode(ServerReady(ready=False)))
