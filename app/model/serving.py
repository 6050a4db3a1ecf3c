"""The model that this process serves. A swap replaces one attribute, so a request never sees parts of two models.

A request reads `served` once and keeps a reference until it has its answer, so it ends with the model with which it
began. A library is unmapped when the last reference to it is gone (binding/mapping.py).
"""

import threading
from collections.abc import Callable

import msgspec

from app.answers.bundle_answers import BundleAnswers
from app.answers.explain import Explain
from app.core.answer import JSON, Answer, Headers, Problem, problem, retry_after
from app.core.operation import Handler, Receipt
from app.core.protocol import Protocol, ServerReady, protocol_error
from app.model.about import about
from app.model.comparison import ComparisonReport
from app.model.known_rows import KnownRowsAnswer
from app.model.outcomes import Outcomes
from contract.drift import DriftBaseline
from contract.schema import Contract
from score.bundle import Bundle

FIRST_RETRY_SECONDS = 1.0


class Served:
    """A loaded bundle and all objects that are made once for it. Lifetime: the bundle's.

    `predict` and `explain` answer the body of a request. `about` is the answer of GET /model. `protocol` has the
    tensors of the Open Inference Protocol. `named` is the header that names the version. `headers` is one list object
    for all JSON answers, so that `HttpContext.head` can recognise it by identity. `offers` passes this model's answers
    to the challenger. `cards` are by file name, as Markdown and as HTML.
    """

    __slots__ = (
        *(
            "about",
            "answers",
            "cards",
            "contract",
            "drift_baseline",
            "explain",
            "headers",
            "known_rows",
            "library",
            "name",
        ),
        *("named", "offers", "predict", "protocol", "version"),
    )

    def __init__(self, bundle: Bundle, name: str) -> None:
        """`name` is that of the model in the Open Inference Protocol."""
        self.name = name
        self.version = bundle.version
        self.contract = bundle.contract
        self.library = bundle.library
        self.answers = BundleAnswers(bundle.library, bundle.contract, bundle.version, bundle.trees, bundle.uncertainty)
        self.predict: Handler = self.answers.predict
        self.explain: Explain = self.answers.explain
        self.named = self.answers.named
        self.headers: Headers = self.answers.parts.headers
        self.offers = self.answers.offers
        judged = self.answers.parts.judged
        self.protocol = Protocol(
            *(name, bundle.contract, bundle.library.outputs),
            sets=judged.sets,
            distance=judged.distance,
            p_values=self.answers.parts.p_values is not None,
        )
        self.about = Answer(200, self.headers, msgspec.json.encode(about(bundle)))
        self.drift_baseline: DriftBaseline | None = bundle.drift_baseline
        self.cards = bundle.cards
        self.known_rows = KnownRowsAnswer(bundle, self.headers)

    @property
    def receipt(self) -> Receipt:
        """Makes the handler of one prediction whose answer reports its timing."""
        return self.answers.receipt


class Serving:
    """The model that is served, if any. Lifetime: process. It is the target of a Follower.

    `contract` is that of the bundle that is served, None if there was none yet. `unavailable` and
    `protocol_unavailable` are the 503 answers of both APIs if no model is loaded.
    """

    __slots__ = (
        *("_adopted", "_swapping", "comparison", "contract", "fallback", "name", "on_swap", "outcomes"),
        *("protocol_unavailable", "served", "unavailable"),
    )

    def __init__(self) -> None:
        self.served: Served | None = None
        self.contract: Contract | None = None
        self.name = ""  # of the model, for clients; empty until one is known
        self.comparison: Callable[[], ComparisonReport] | None = None  # None if there is no challenger
        self.outcomes = Outcomes()
        self.fallback = False  # whether a fallback is served instead of the configured bundle
        self.on_swap: Callable[[], None] = lambda: None
        self._adopted: list[Callable[[Served], None]] = []
        self._swapping = threading.Lock()
        self.refused("it is being loaded", FIRST_RETRY_SECONDS)

    @property
    def version(self) -> str | None:
        """The version of the model that is served, or None."""
        served = self.served
        return served.version if served else None

    @property
    def expected(self) -> Contract | None:
        """The contract that a bundle must have: that of the first configured bundle. None if none was loaded yet."""
        return None if self.fallback else self.contract

    def swap(self, bundle: Bundle) -> None:
        """Serve this bundle from the next request on. Safe to call from any thread."""
        if self.fallback or not self.name:
            self.name = bundle.contract.name  # it stays while bundles change: clients have it in their paths
        served = Served(bundle, self.name)
        with self._swapping:
            self.contract = bundle.contract
            self.served = served
            self.on_swap()
            for adopt in self._adopted:
                adopt(served)

    def when_adopted(self, adopt: Callable[[Served], None]) -> None:
        """Call `adopt` with each bundle that is served from now on, on any thread; at once if one is served already."""
        with self._swapping:
            self._adopted.append(adopt)
            if self.served is not None:
                adopt(self.served)

    def refused(self, why: str, retry_seconds: float | None) -> None:
        """Set the answers for requests that come while no model is loaded: they say why, and when to try again.

        `retry_seconds` becomes their Retry-After, in whole seconds; None means that no further attempt is made.
        """
        detail = f"no model is loaded: {why}"
        retry = [] if retry_seconds is None else [retry_after(retry_seconds)]
        self.protocol_unavailable = protocol_error(503, detail, retry)
        self.unavailable = problem(Problem("Service Unavailable", 503, detail), retry)

    @property
    def server_unready(self) -> Answer:
        """The answer of /v2/health/ready if no model is loaded."""
        retry = [header for header in self.unavailable.headers if header[0] == b"retry-after"]
        return Answer(503, JSON + retry, msgspec.json.encode(ServerReady(ready=False)))
