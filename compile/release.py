"""A bundle's name and creation time."""

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from contract.manifest import LABEL_PATTERN
from contract.refusal import Refusal


def creation_time(environment: Mapping[str, str] = os.environ) -> datetime:
    """Return SOURCE_DATE_EPOCH if it is set, so that builds can be repeated to the byte, and else now.

    Whole seconds in UTC. Raises Refusal.
    """
    given = environment.get("SOURCE_DATE_EPOCH")
    if not given:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        return datetime.fromtimestamp(int(given), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Refusal(
            f"SOURCE_DATE_EPOCH={given!r} is not a number of seconds since 1970; unset it or fix it"
        ) from error


def version_label(given: str | None, created_at: datetime, model_sha256: str) -> str:
    """Return `given`, or the day and the start of the model's digest: a label for operators. Raises Refusal."""
    label = given or f"{created_at:%Y.%m.%d}-{model_sha256[:8]}"
    if not re.fullmatch(LABEL_PATTERN, label):
        raise Refusal(
            f"bundle version {label!r}: expected at most 64 letters, digits, '.', '_', '+', '-', the first a letter "
            "or a digit; choose another --bundle-version"
        )
    return label
