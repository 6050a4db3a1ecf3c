import pytest

from bundle.reference import Reference, parse_reference
from bundle.refusal import BundleRefusal

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("artifacts/bundle", Reference("artifacts/bundle")),
        ("artifacts/bundle@c016cc7945f1be2e", Reference("artifacts/bundle@c016cc7945f1be2e")),
        ("store#stable", Reference("store", channel="stable")),
        (f"/var/store@{DIGEST}", Reference("/var/store", digest=DIGEST)),
        ("gs://models/penguins#canary-2", Reference("gs://models/penguins", channel="canary-2")),
        (f"gs://models@{DIGEST}", Reference("gs://models", digest=DIGEST)),
        (f"odd#name@{DIGEST}", Reference("odd#name", digest=DIGEST)),
    ],
)
def test_a_reference_is_read_as_it_is_written(text: str, expected: Reference) -> None:
    """And names something published only with a channel or a whole digest."""
    assert parse_reference(text) == expected
    assert str(expected) == text
    assert expected.in_store == bool(expected.channel or expected.digest)


@pytest.mark.parametrize(
    "text", ["", "gs://models/penguins", f"gs://models@{DIGEST[:63]}", "store#", "store#a b", "gs://m#-x"]
)
def test_what_names_nothing_is_refused(text: str) -> None:
    """With the forms there are."""
    with pytest.raises(BundleRefusal, match="expected") as refusal:
        parse_reference(text)
    assert refusal.value.reason == "usage"
