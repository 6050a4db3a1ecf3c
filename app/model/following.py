"""Get bundles for one target, on a separate thread: at start-up, again after a failure, and when a channel changes.

The order is: the configured bundle, the last good one of its address in the cache on disk, the one in the image. While
a fallback is served, the configured bundle is still requested. A failure is counted by its reason and logged; the model
that is served stays.

The contract of the service is that of the first configured bundle that loads; later ones must have the same. Nobody
knows it before, so the bundle in the image stands in only if MODEL_NAME says that it is of the configured model.
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

import msgspec

from app.core.settings import Settings
from app.model.outcomes import FollowState, Outcomes
from app.model.sources import BREATH_SECONDS
from bundle.fetch import BundleSource, Fetched, read_directory
from bundle.refusal import BundleRefusal
from bundle.verify import IN_PLACE, VerifiedBundle, Wanted
from contract.refusal import Refusal
from contract.schema import Contract
from score.bundle import Bundle, load_verified

RETRY_SECONDS = 1.0  # pause after the first failure; it doubles with each further one
MAX_SECONDS = 60.0  # the longest pause between two attempts,
MAX_TIMES = 4  # unless this many times FOLLOW_SECONDS is longer
JITTER = 0.25  # random part of every pause, up or down, so that many services do not poll at the same time

_now = time.time
logger = logging.getLogger("uvicorn.error")


class Target(Protocol):
    """An object that receives bundles: Serving or Challenger. The follower's thread calls it."""

    fallback: bool  # whether its bundle is a fallback for the configured one

    @property
    def version(self) -> str | None:
        """The version of its bundle, or None if it has none."""
        ...

    @property
    def expected(self) -> Contract | None:
        """The contract that a bundle must have, or None if any will do."""
        ...

    def swap(self, bundle: Bundle) -> None:
        """Use this bundle from now on."""
        ...

    def refused(self, why: str, retry_seconds: float | None) -> None:
        """Record that no bundle can be loaded, why, and after how many seconds the next attempt is made, if any."""
        ...


class Follower:
    """Gets bundles from one source for one target. `role` is "bundle" or "challenger", for logs and metrics.

    If `fallbacks`, the cached and the baked bundle may be used while the configured one cannot be loaded.
    """

    def __init__(
        self, role: str, source: BundleSource, target: Target, settings: Settings, outcomes: Outcomes, fallbacks: bool
    ) -> None:
        self._role = role
        self._source = source
        self._target = target
        self._settings = settings
        self._outcomes = outcomes
        self._fallbacks = fallbacks
        self._settled = False  # whether the configured bundle has been loaded once
        self._failures = 0  # in a row
        self._follow_state: FollowState | None = None  # None unless a channel is followed

    def start(self) -> None:
        """Load a local directory at once, as that is quick. Start a thread for a bundle in a store."""
        if self._source.address.in_store:
            threading.Thread(target=self._run, name=f"follow-{self._role}", daemon=True).start()
        else:
            self._attempt(None)

    def _run(self) -> None:
        follows = self._settings.follow_seconds > 0 and self._source.address.channel is not None
        if follows:
            self._record(FollowState(self._settings.follow_seconds, _now()))
        pause = 0.0
        while follows or not self._settled:
            time.sleep(pause)
            pause = self._pause(self._failures + 1)
            pause = self._pause(0) if self._attempt(pause) else pause
        self._source.close()

    def _record(self, state: FollowState) -> None:
        self._follow_state = state
        self._outcomes.follow(self._role, state)

    def _pause(self, failures: int) -> float:
        """Return the seconds until the next attempt, after so many failures in a row."""
        follow = self._settings.follow_seconds
        base = follow if self._settled else min(RETRY_SECONDS, follow or RETRY_SECONDS)
        pause = min(base * 2.0 ** min(failures - 1, 20), max(MAX_TIMES * base, MAX_SECONDS)) if failures else base
        return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # no secret

    def _attempt(self, retry_seconds: float | None) -> bool:
        """Get the configured bundle, if it is not the one in use. Return whether it is in use now."""
        stage = "poll" if self._settled else "fetch"
        seconds = self._settings.poll_seconds if self._settled else self._settings.fetch_seconds
        failure = self._failure(stage, lambda: self._take(seconds))
        if failure is None:
            self._outcomes.count(self._role, stage)
            if not self._settled:
                gc.freeze()  # imported objects stay for ever: garbage collections need not scan them again
            self._settled, self._failures = True, 0
            if self._follow_state:
                self._record(msgspec.structs.replace(self._follow_state, succeeded=_now()))
            self._target.fallback = False
            return True
        self._failures += 1
        if self._target.version is None and not self._fall_back():
            self._target.refused(failure, retry_seconds)
        logger.error("%s: %s; %s", self._role, failure, self._consequence(retry_seconds))
        return False

    def _consequence(self, retry_seconds: float | None) -> str:
        version = self._target.version
        state = f"goes on with {version[:16]}" if version else "no bundle is loaded"
        return state if retry_seconds is None else f"{state}, next attempt in {retry_seconds:.1f} s"

    def _failure(self, stage: str, work: Callable[[], None]) -> str | None:
        """Do `work`. Return None if it succeeds; else count the failure and return its description."""
        try:
            work()
        except BundleRefusal as refusal:
            self._outcomes.count(self._role, stage, refusal.reason)
            return f"{stage} refused ({refusal.reason}): {refusal}"
        except Refusal as refusal:  # the files are verified, but this service cannot use the model
            self._outcomes.count(self._role, "load", "model")
            return f"load refused (model): {refusal}"
        except Exception as error:  # any exception: the model that is served stays
            logger.error("Exception in a follower", exc_info=error)
            self._outcomes.count(self._role, stage, "error")
            return f"{stage} failed (error): the operator's log says why"
        return None

    def _take(self, seconds: float) -> None:
        """Fetch the configured bundle within `seconds` and use it. Raises Refusal if that fails."""
        self._source.expect(self._settings.model_name, self._target.expected)
        fetched = self._source.poll(seconds, datetime.now(UTC))
        if self._follow_state and self._source.expires_at:  # the pointer may be renewed and name the same bundle
            self._record(msgspec.structs.replace(self._follow_state, expires=self._source.expires_at.timestamp()))
        if fetched is None:
            return
        try:
            self._swap(fetched.bundle)
        except BaseException:
            self._source.forget()  # so that the next attempt fetches it again
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
        for why in verified.bad_signatures.values():
            logger.warning("%s: serves it by another signature: %s", self._role, why)

    def _keep(self, fetched: Fetched) -> None:
        """Keep the bundle in the cache. A cache that cannot be written is only counted and logged."""
        problem = fetched.cache_problem
        try:
            self._source.keep(fetched)
        except BundleRefusal as refusal:
            problem = refusal
        if problem:
            self._outcomes.count(self._role, "cache", problem.reason)
            logger.warning("%s: cache refused (%s): %s", self._role, problem.reason, problem)

    def _fall_back(self) -> bool:
        """Use the first fallback that can be loaded. Return whether there is one."""
        for stage, read in self._fallback_bundles():
            # `read=read` binds the value of this iteration.
            failure = self._failure(stage, lambda read=read: self._swap(read()))  # type: ignore[misc]  # mypy infers no type
            if failure is None:
                self._outcomes.count(self._role, stage)
                self._target.fallback = True
                return True
            logger.warning("%s: %s", self._role, failure)
        return False

    def _fallback_bundles(self) -> Iterator[tuple[str, Callable[[], VerifiedBundle]]]:
        """Yield the stage and the reader of each fallback, in the order of preference."""
        if not self._fallbacks:
            return
        if self._settings.bundle_cache and self._source.address.in_store:
            yield "last_good", self._source.last_good
        baked, name = self._settings.baked_bundle, self._settings.model_name
        if baked and name and Path(baked) != Path(self._source.address.place):
            yield "baked", lambda: read_directory(Path(baked), IN_PLACE, Wanted(model_name=name))
