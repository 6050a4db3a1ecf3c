"""Why a bundle is refused: a refusal with a reason for metrics, logs and scripts."""

from typing import Literal, get_args

from contract.refusal import USER_MISTAKE, Refusal

Mistake = Literal["usage", "key", "disk"]
Unverified = Literal[
    "size",  # another number of bytes than the manifest says
    "digest",  # other bytes than the manifest says
    "format",  # not a manifest, certificate or pointer of this format
    "name",  # a path that leaves the bundle, a symbolic link, no regular file
    "contract",  # absent or not understood, or another one than wanted
    "platform",  # the bundle has no library for this platform
    "architecture",  # the library's own header names another machine
    "certificate",  # it is absent, or is for another library or model
    "unsigned",  # no trusted key signed it
    "signature",  # a signature is invalid
    "rollback",  # the channel's pointer is older than the newest one seen
    "expired",
    "clock",  # the pointer is from the future: this machine's clock is wrong
]
Unavailable = Literal["unreachable", "deadline", "missing", "forbidden", "credentials", "throttled", "failing", "cut"]
Reason = Mistake | Unverified | Unavailable | Literal["conflict"]

# Exit statuses of `python -m bundle`, besides 0 and USER_MISTAKE.
UNVERIFIED, UNAVAILABLE, CONFLICT = 3, 4, 5
STATUSES: dict[str, int] = {
    **dict.fromkeys(get_args(Mistake), USER_MISTAKE),
    **dict.fromkeys(get_args(Unverified), UNVERIFIED),
    **dict.fromkeys(get_args(Unavailable), UNAVAILABLE),
    "conflict": CONFLICT,
}
RETRYABLE = frozenset({"unreachable", "throttled", "failing", "cut"})


class BundleRefusal(Refusal):
    """A refusal whose `reason` is one of a few fixed words. The text is for people and ends in what to do."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason: Reason = reason

    @property
    def retryable(self) -> bool:
        """Return whether the same request may succeed a moment later."""
        return self.reason in RETRYABLE


def without_client(place: str, error: ImportError) -> BundleRefusal:
    """Return the refusal of an address in Google's cloud where the client of it is not installed."""
    return BundleRefusal(
        "usage",
        f"{place} needs Google's client, and there is no {error.name}; in an image: build it with STORAGE=gs, which is "
        "the default; elsewhere: pip install --require-hashes -r requirements/runtime.txt",
    )
