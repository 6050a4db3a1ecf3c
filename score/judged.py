"""By what the answers of a model are judged, besides its margins."""

from typing import NamedTuple

from contract.uncertainty import Uncertainty


class Judged(NamedTuple):
    """By what answers are judged: whether there are prediction sets and distances, and half widths by number."""

    sets: bool = False
    distance: bool = False
    half_widths: dict[str, float] = {}  # noqa: RUF012  # never changed

    @classmethod
    def by(cls, uncertainty: Uncertainty | None) -> "Judged":
        """Return what this uncertainty allows to say."""
        if uncertainty is None:
            return cls()
        sets, distance = bool(uncertainty.set_thresholds), uncertainty.distance_limit is not None
        return cls(sets, distance, uncertainty.half_widths)
