"""Which revision gets which share of the requests. There are two splitters: Cloud Run and HAProxy."""

from typing import Protocol

from contract.refusal import Refusal

EXACT = 0.01  # percent: how far the share that is read may be from the share that was set


class Splitter(Protocol):
    """Splits requests between revisions. Shares are percent of requests, by the revision's name."""

    name: str

    def shares(self) -> dict[str, float]:
        """Return the shares of all revisions, 0 for those without requests. Raises Refusal."""
        ...

    def send(self, old: str, new: str, share: int) -> None:
        """Give `share` percent to the new revision and the rest to the old one, at once. Raises Refusal."""
        ...

    def back(self, old: str, new: str) -> None:
        """Give all requests to the old revision, and mark the new one as rolled back if there is a place for it.

        Raises Refusal.
        """
        ...

    def rolled_back(self) -> str | None:
        """Return the revision that was marked last, or None. Raises Refusal."""
        ...


def serving(splitter: Splitter, new: str) -> str | None:
    """Return the revision that has requests beside the new one, or None if the new one has all of them.

    It does not matter which of the two has more: at 50 % there is no tie. Raises Refusal if there are several.
    """
    shares = splitter.shares()
    others = sorted(name for name, share in shares.items() if share > 0 and name != new)
    if len(others) > 1:
        raise Refusal(f"{splitter.name} sends requests to {', '.join(others)}; name the revision that {new} replaces")
    return others[0] if others else None


def share_of(splitter: Splitter, old: str, new: str) -> float:
    """Return the new revision's share in percent.

    Raises Refusal if one of the two revisions does not exist, or if a third one has a share.
    """
    shares = splitter.shares()
    there = ", ".join(sorted(shares)) or "none"
    if old == new:
        raise Refusal(f"expected two revisions, found {old} twice; there are: {there}")
    for revision in (old, new):
        if revision not in shares:
            raise Refusal(f"{splitter.name} has no revision {revision}; there are: {there}")
    others = [revision for revision, share in shares.items() if share > 0 and revision not in (old, new)]
    if others:
        raise Refusal(
            f"{splitter.name} also sends requests to {', '.join(others)}; a canary is of two revisions: "
            f"send all to {old} first: python -m deploy rollback {old} {new}"
        )
    return shares[new]


def send_and_see(splitter: Splitter, old: str, new: str, share: int) -> None:
    """Set a share and read it back. Raises Refusal if it was not set."""
    splitter.send(old, new, share)
    _see(splitter, old, new, share)


def back_and_see(splitter: Splitter, old: str, new: str) -> None:
    """Roll back and read the share. Raises Refusal if the new revision still has requests."""
    splitter.back(old, new)
    _see(splitter, old, new, 0)


def _see(splitter: Splitter, old: str, new: str, share: int) -> None:
    found = share_of(splitter, old, new)
    if abs(found - share) > EXACT:
        raise Refusal(
            f"{splitter.name} was told to send {share} % to {new} and sends {found:g} %; is somebody else changing it?"
        )
