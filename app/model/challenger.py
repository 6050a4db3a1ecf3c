"""The challenger: a second model that is compared with the one that is served, the champion."""

import threading

from app.model.comparison import Comparison, ComparisonReport
from app.model.outcomes import Outcomes
from app.model.serving import Serving
from contract.schema import Contract, difference
from score.bundle import Bundle


class Challenger:
    """The challenger of `serving`. A new comparison begins whenever either of the two models is swapped.

    It is the target of a Follower (app/model/following.py).
    """

    def __init__(self, serving: Serving, outcomes: Outcomes) -> None:
        self._serving = serving
        self._outcomes = outcomes
        self._bundle: Bundle | None = None
        self._comparison: Comparison | None = None
        self._absent = ComparisonReport()
        self.fallback = False
        self._beginning = threading.Lock()
        serving.on_swap = self._begin

    @property
    def expected(self) -> Contract | None:
        """The contract that the challenger must have: that of the champion, if there is one."""
        return self._serving.expected

    @property
    def version(self) -> str | None:
        """The challenger's version, or None if none is loaded."""
        return self._bundle.version if self._bundle else None

    def swap(self, bundle: Bundle) -> None:
        """Make this bundle the challenger and begin a new comparison."""
        self._bundle = bundle
        self._begin()

    def refused(self, why: str, retry_seconds: float | None) -> None:  # noqa: ARG002  # no client asks the challenger
        """Record why no challenger is loaded."""
        self._absent = ComparisonReport(champion=self._serving.version, state=why)

    def _begin(self) -> None:
        """Begin a comparison of the served model and the challenger. Two threads may swap one each at the same time."""
        with self._beginning:
            bundle, served = self._bundle, self._serving.served
            if bundle is None:
                return
            champion = None if served is None else served.version
            different = served and difference(served.contract, bundle.contract)
            if different:  # the two were loaded at the same time
                self._comparison = None
                self._absent = ComparisonReport(champion, bundle.version, f"its contract is another one: {different}")
                return
            comparison = Comparison(bundle.library, bundle.contract, bundle.version, champion, self._outcomes)
            self._comparison = comparison
            if served is not None:
                served.offers.row, served.offers.rows = comparison.offer, comparison.offer_rows

    def summary(self) -> ComparisonReport:
        """Return how far the two models agree, or why there is nothing to compare."""
        return self._comparison.summary() if self._comparison else self._absent
