"""The model that this process serves. A swap replaces one attribute, so a request never sees parts of two models.

A request reads `served` once and keeps a reference until it has its answer, so it ends with the model with which it
began. A library is unmapped when the last reference to it is gone (binding/mapping.py).
"""

import math
import threading
from collections.abc import Callable

import msgspec

from app.core.answer import JSON, Answer, Headers, Problem, problem
from app.core.protocol import ServerReady, protocol_error
from app.explanation.explainer import Explainer
from app.model.about import about
from app.model.bundle import Bundle
from app.model.comparison import ComparisonReport
from app.model.outcomes import Outcomes
from binding.library import Batch, Library, RowPrediction
from contract.training import TrainingSummary

FIRST_RETRY_SECONDS = 1.0
Offer = Callable[[tuple[float, ...], int, dict[str, float]], None]
OfferRows = Callable[[bytes, int, int, Batch], None]


class Served:
    """A loaded library and all objects that are made once for it. Lifetime: the model's.

    `version` is the SHA-256 of its manifest. `about` is the answer of GET /model. `named` is the header that names the
    version. `headers` is one list object for all JSON answers, so that `HttpContext.head` can recognise it by identity.
    `explainer` is None if the bundle has no trees. `offer` and `offer_rows` pass this model's answers to the
    challenger; they are None if there is no challenger.
    """

    __slots__ = (
        *("about", "explainer", "headers", "library", "named", "offer", "offer_rows", "predict", "training"),
        "version",
    )

    def __init__(
        self,
        library: Library,
        version: str,
        about: bytes = b"",
        trees: bytes | None = None,
        training: TrainingSummary | None = None,
    ) -> None:
        self.version = version
        self.library = library
        self.predict: Callable[[tuple[float, ...]], RowPrediction] = library.predict
        self.named = (b"model-version", version.encode())
        self.headers: Headers = [*JSON, self.named]
        self.about = Answer(200, self.headers, about)
        self.explainer = None if trees is None else Explainer(library, trees)
        self.training = training
        self.offer: Offer | None = None
        self.offer_rows: OfferRows | None = None

    def name(self, answer: Answer) -> Answer:
        """Return a copy of `answer` with the header that names this model's version."""
        return msgspec.structs.replace(answer, headers=[*answer.headers, self.named])


class Serving:
    """The model that is served, if any. Lifetime: process. It is the target of a Follower.

    `unavailable` and `protocol_unavailable` are the 503 answers of both APIs if no model is loaded.
    """

    __slots__ = (
        *("_swapping", "comparison", "fallback", "on_swap", "outcomes"),
        *("protocol_unavailable", "served", "unavailable"),
    )

    def __init__(self, served: Served | None = None) -> None:
        self.served = served
        self.comparison: Callable[[], ComparisonReport] | None = None  # None if there is no challenger
        self.outcomes = Outcomes()
        self.fallback = False  # whether a fallback is served instead of the configured bundle
        self.on_swap: Callable[[], None] = lambda: None
        self._swapping = threading.Lock()
        self.refused("it is being loaded", FIRST_RETRY_SECONDS)

    @property
    def version(self) -> str | None:
        """The version of the model that is served, or None."""
        served = self.served
        return served.version if served else None

    def swap(self, bundle: Bundle) -> None:
        """Serve this bundle from the next request on. Safe to call from any thread."""
        document = msgspec.json.encode(about(bundle))
        served = Served(bundle.library, bundle.version, document, bundle.trees, bundle.training)
        with self._swapping:
            self.served = served
            self.on_swap()

    def refused(self, why: str, retry_seconds: float | None) -> None:
        """Set the answers for requests that come while no model is loaded: they say why, and when to try again.

        `retry_seconds` becomes their Retry-After, in whole seconds; None means that no further attempt is made.
        """
        detail = f"no model is loaded: {why}"
        retry = [] if retry_seconds is None else [(b"retry-after", b"%d" % max(1, math.ceil(retry_seconds)))]
        self.protocol_unavailable = protocol_error(503, detail, retry)
        self.unavailable = problem(Problem("Service Unavailable", 503, detail), retry)

    @property
    def server_unready(self) -> Answer:
        """The answer of /v2/health/ready if no model is loaded."""
        retry = [header for header in self.unavailable.headers if header[0] == b"retry-after"]
        return Answer(503, JSON + retry, msgspec.json.encode(ServerReady(ready=False)))
