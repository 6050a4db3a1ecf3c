"""What is remembered of a channel: the newest verified pointer, for each key that signed one.

Whoever holds a key can sign any version, even the highest. So a key's pointers count only as long as the key is
trusted. When the key is no longer trusted, the pointers of the other keys are still remembered. The Update Framework
calls this the recovery from a fast-forward attack.
"""

from collections.abc import Iterable, Sequence

import msgspec

from bundle.channels.pointer import Pointer
from bundle.verify import Trust
from contract.manifest import Instant

UNSIGNED = ""  # stands for the signer of a pointer that no trusted key signed


class Seen(msgspec.Struct, frozen=True):
    """The newest pointer by one signer. `signer` is the id of its key."""

    version: int
    digest: str
    created_at: Instant
    signer: str = UNSIGNED


def newest(seen: Iterable[Seen], trust: Trust) -> Seen | None:
    """Return the newest pointer by a signer that is trusted now, or None. Of two with one version, the first counts."""
    signers = {key.key_id for key in trust.keys} | (set() if trust.required else {UNSIGNED})
    return max((one for one in seen if one.signer in signers), key=lambda one: one.version, default=None)


def with_pointer(seen: Sequence[Seen], pointer: Pointer, signers: Sequence[str]) -> tuple[Seen, ...]:
    """Return `seen` with a pointer added for each of `signers` whose newest pointer is older."""
    by_signer = {one.signer: one for one in seen}
    for signer in signers or (UNSIGNED,):
        known = by_signer.get(signer)
        if known is None or known.version < pointer.version:
            by_signer[signer] = Seen(pointer.version, pointer.digest, pointer.created_at, signer)
    return tuple(by_signer.values())
