"""The pointer of a channel, the document that is signed."""

from typing import Annotated

import msgspec
from msgspec import Meta

from contract.manifest import Instant, Label, Sha256

MAX_VERSION = 2**53 - 1  # the largest integer that every JSON reader holds exactly


class Pointer(msgspec.Struct, frozen=True):
    """`digest` is the bundle that the channel points to, and `previous` the one before.

    `bundle_version` is for people.
    """

    format_version: int
    channel: Label
    version: Annotated[int, Meta(ge=1, le=MAX_VERSION)]
    digest: Sha256
    bundle_version: Label
    previous: Sha256 | None
    created_at: Instant
    expires_at: Instant
