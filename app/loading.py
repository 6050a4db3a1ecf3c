"""Start-up: from settings to what is served, now or as soon as it can be had."""

from app.challenger import Challenger
from app.following import Follower
from app.serving import Serving
from app.settings import Settings
from app.sources import challenger_source, configured_source


def start_serving(settings: Settings) -> Serving:
    """Load, or begin to. Raises Refusal where the settings are wrong, and only then."""
    serving = Serving()
    outcomes = serving.outcomes
    source, challenging = configured_source(settings), challenger_source(settings)
    if challenging:
        serving.challenger = Challenger(serving, outcomes)
        Follower("challenger", challenging, serving.challenger, settings, outcomes, fallbacks=False).start()
    Follower("bundle", source, serving, settings, outcomes, fallbacks=True).start()
    return serving
