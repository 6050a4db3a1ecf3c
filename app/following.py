"""Getting bundles for one place of use, on a thread of its own: at start-up, again where that failed, and by a channel.

The order: the configured bundle; the last known good on disk; the one in the image. A fallback is served while the
configured one is still asked for. What fails is counted by its reason, logged, and leaves what is served alone.
"""

import gc
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from app.bundle import Bundle, load_verified
from app.outcomes import Outcomes
from app.settings import Settings
from app.sources import BREATH_SECONDS
from bundle.fetch import Fetched, Source, read_directory
from bundle.refusal import BundleRefusal
from bundle.verify import IN_PLACE, VerifiedBundle
from contract.refusal import Refusal

RETRY_SECONDS = 1.0  # after the first failure, then 2, 4, ...
MOST_SECONDS = 60.0  # between two attempts,
MOST_TIMES = 4  # or so many times FOLLOW_SECONDS where that is more
JITTER = 0.25  # of every pause, so that many services do not come at once

logger = logging.getLogger("uvicorn.error")


class Target(Protocol):
    """Who is given bundles. Called from the follower's thread."""

    fallback: bool  # whether what it has stands in for another one

    @property
    def version(self) -> str | None:
        """What it has."""
        ...

    def swap(self, bundle: Bundle) -> None:
        """Take another one."""
        ...

    def refused(self, why: str, retry_seconds: float | None) -> None:
        """There is none."""
        ...


class Follower:
    """One source, one target. `fallbacks`: whether the last known good and the baked bundle may stand in."""

    def __init__(
        self, role: str, source: Source, target: Target, settings: Settings, outcomes: Outcomes, fallbacks: bool
    ) -> None:
        self._role = role
        self._source = source
        self._target = target
        self._settings = settings
        self._outcomes = outcomes
        self._fallbacks = fallbacks
        self._settled = False  # whether what is configured has been had once
        self._failures = 0  # in a row
        self._stopped = threading.Event()

    def start(self) -> None:
        """A local directory is loaded before this returns, as it takes no longer than that; anything else later."""
        if self._source.reference.in_store:
            threading.Thread(target=self._run, name=f"follow-{self._role}", daemon=True).start()
        else:
            self._attempt(None)

    def stop(self) -> None:
        """Before the next attempt."""
        self._stopped.set()

    def _run(self) -> None:
        follows = self._settings.follow_seconds > 0 and self._source.reference.channel is not None
        pause = 0.0
        while (follows or not self._settled) and not self._stopped.wait(pause):
            pause = self._pause(self._failures + 1)
            pause = self._pause(0) if self._attempt(pause) else pause
        self._source.close()

    def _pause(self, failures: int) -> float:
        """Seconds until the next attempt."""
        follow = self._settings.follow_seconds
        base = follow if self._settled else min(RETRY_SECONDS, follow or RETRY_SECONDS)
        pause = min(base * 2.0 ** min(failures - 1, 20), max(MOST_TIMES * base, MOST_SECONDS)) if failures else base
        return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # no secret

    def _attempt(self, retry_seconds: float | None) -> bool:
        """Look for the bundle that is meant now. Returns whether it is the one that is served."""
        stage = "poll" if self._settled else "fetch"
        seconds = self._settings.poll_seconds if self._settled else self._settings.fetch_seconds
        failure = self._failure(stage, lambda: self._take(seconds))
        if failure is None:
            self._outcomes.count(self._role, stage)
            if not self._settled:
                gc.freeze()  # what was imported stays: no collection has to look through it again
            self._settled, self._failures = True, 0
            self._target.fallback = False
            return True
        self._failures += 1
        if self._target.version is None and not self._fall_back():
            self._target.refused(failure, retry_seconds)
        logger.error("%s: %s; %s", self._role, failure, self._state(retry_seconds))
        return False

    def _state(self, retry_seconds: float | None) -> str:
        version = self._target.version
        state = f"goes on with {version[:16]}" if version else "there is none"
        return state if retry_seconds is None else f"{state}, next attempt in {retry_seconds:.1f} s"

    def _failure(self, stage: str, work: Callable[[], None]) -> str | None:
        """Why it could not be done, which is counted, or None."""
        try:
            work()
        except BundleRefusal as refusal:
            self._outcomes.count(self._role, stage, refusal.reason)
            return f"{stage} refused ({refusal.reason}): {refusal}"
        except Refusal as refusal:  # verified, but no model of ours
            self._outcomes.count(self._role, "load", "model")
            return f"load refused (model): {refusal}"
        except Exception as error:  # whatever it is, what is served goes on
            logger.error("Exception in a follower", exc_info=error)
            self._outcomes.count(self._role, stage, "error")
            return f"{stage} failed (error): the operator's log says why"
        return None

    def _take(self, seconds: float) -> None:
        fetched = self._source.poll(seconds, datetime.now(UTC))
        if fetched is None:
            return
        try:
            self._swap(fetched.bundle)
        except BaseException:
            self._source.forget()  # the next attempt gets it again
            raise
        self._keep(fetched)

    def _swap(self, verified: VerifiedBundle) -> None:
        if verified.digest == self._target.version:
            return
        time.sleep(BREATH_SECONDS)
        bundle = load_verified(verified)
        time.sleep(BREATH_SECONDS)
        self._target.swap(bundle)
        self._outcomes.count(self._role, "load")
        logger.info("%s: serves %s from %s", self._role, verified.digest[:16], verified.origin.place)

    def _keep(self, fetched: Fetched) -> None:
        """A cache that cannot be written is told, no more."""
        problem = fetched.cache_problem
        try:
            self._source.keep(fetched)
        except BundleRefusal as refusal:
            problem = refusal
        if problem:
            self._outcomes.count(self._role, "cache", problem.reason)
            logger.warning("%s: cache refused (%s): %s", self._role, problem.reason, problem)

    def _fall_back(self) -> bool:
        """Serve what there is. Returns whether there is something."""
        for stage, read in self._stand_ins():
            failure = self._failure(stage, lambda read=read: self._swap(read()))  # type: ignore[misc]  # this turn's
            if failure is None:
                self._outcomes.count(self._role, stage)
                self._target.fallback = True
                return True
            logger.warning("%s: %s", self._role, failure)
        return False

    def _stand_ins(self) -> Iterator[tuple[str, Callable[[], VerifiedBundle]]]:
        if not self._fallbacks:
            return
        if self._settings.bundle_cache and self._source.reference.in_store:
            yield "last_good", self._source.last_good
        baked = self._settings.baked_bundle
        if baked and Path(baked) != Path(self._source.reference.place):
            yield "baked", lambda: read_directory(Path(baked), IN_PLACE)
