from datetime import UTC, datetime, timedelta

import pytest

from compile.release import creation_time, version_label
from contract.refusal import Refusal

DAY = datetime(2026, 11, 23, tzinfo=UTC)


def test_the_time_is_now_or_what_is_given() -> None:
    """The time is now or as given, in whole seconds."""
    assert creation_time({"SOURCE_DATE_EPOCH": "1700000000"}) == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    now = creation_time({})
    assert now.microsecond == 0
    assert timedelta() <= datetime.now(UTC) - now < timedelta(seconds=100)


@pytest.mark.parametrize("given", ["yesterday", "1e9", "9" * 30])
def test_a_time_that_is_none_is_refused(given: str) -> None:
    """A faulty time is refused with the variable's name."""
    with pytest.raises(Refusal, match="SOURCE_DATE_EPOCH"):
        creation_time({"SOURCE_DATE_EPOCH": given})


def test_a_version_is_the_day_and_the_model_or_what_is_given() -> None:
    """The version is the day and the model, or as given."""
    assert version_label(None, DAY, "0123456789abcdef") == "2026.11.23-01234567"
    assert version_label("v7+hotfix", DAY, "") == "v7+hotfix"
    for bad in ("the new one", "-v", "a/b", "a" * 65, "a\n"):
        with pytest.raises(Refusal, match="--bundle-version"):
            version_label(bad, DAY, "")
