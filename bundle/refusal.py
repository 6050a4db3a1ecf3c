"""Why a bundle is not taken: a refusal with a label for metrics, logs and scripts."""

from typing import Literal, get_args

from contract.refusal import USER_MISTAKE, Refusal

Mistake = Literal["usage", "key", "disk"]
Unverified = Literal[
    "size",  # fewer bytes than the manifest says, or more
    "digest",  # other bytes
    "format",  # not a manifest, certificate or pointer of this format
    "name",  # a path out of the bundle, a symbolic link, not a regular file
    "contract",  # other measurements, features or classes
    "platform",  # no library for this one
    "architecture",  # the library's own header names another machine
    "certificate",  # none, or one for another library or model
    "unsigned",  # by no trusted key
    "signature",  # which does not hold
    "rollback",  # a channel's pointer older than the newest one seen
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
    """`reason` is one of a few words that never change; the text is for a person and ends in what to do."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason: Reason = reason

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed a moment later."""
        return self.reason in RETRYABLE
