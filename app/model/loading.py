"""Start-up: from the settings to a Serving, whose model is loaded at once or in the background."""

from app.core.settings import Settings
from app.model.challenger import Challenger
from app.model.following import Follower
from app.model.serving import Serving
from app.model.sources import challenger_source, configured_source


def start_serving(settings: Settings) -> Serving:
    """Start to load the configured bundle and the challenger, and return what serves them.

    A bundle in a directory is loaded before this returns; one in a store is loaded by a thread. Raises Refusal only if
    the settings are wrong: a bundle that cannot be loaded is reported by the health checks.
    """
    serving = Serving()
    outcomes = serving.outcomes
    source, challenging = configured_source(settings), challenger_source(settings)
    if challenging:
        challenger = Challenger(serving, outcomes)
        serving.comparison = challenger.summary
        Follower("challenger", challenging, challenger, settings, outcomes, fallbacks=False).start()
    Follower("bundle", source, serving, settings, outcomes, fallbacks=True).start()
    return serving
