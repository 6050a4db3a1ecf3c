import pytest

from bundle.address import BundleAddress, parse_address
from bundle.refusal import BundleRefusal

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("artifacts/bundle", BundleAddress("artifacts/bundle")),
        ("artifacts/bundle@c016cc7945f1be2e", BundleAddress("artifacts/bundle@c016cc7945f1be2e")),
        ("store#stable", BundleAddress("store", channel="stable")),
        (f"/var/store@{DIGEST}", BundleAddress("/var/store", digest=DIGEST)),
        ("gs://models/penguins#canary-2", BundleAddress("gs://models/penguins", channel="canary-2")),
        (f"gs://models@{DIGEST}", BundleAddress("gs://models", digest=DIGEST)),
        (f"odd#name@{DIGEST}", BundleAddress("odd#name", digest=DIGEST)),
    ],
)
def test_a_reference_is_read_as_it_is_written(text: str, expected: BundleAddress) -> None:
    """A reference is read as it was written, and a channel or a whole digest makes it published."""
    assert parse_address(text) == expected
    assert str(expected) == text
    assert expected.in_store == bool(expected.channel or expected.digest)


@pytest.mark.parametrize(
    "text", ["", "gs://models/penguins", f"gs://models@{DIGEST[:63]}", "store#", "store#a b", "gs://m#-x"]
)
def test_what_names_nothing_is_refused(text: str) -> None:
    """A faulty reference is refused with the valid forms."""
    with pytest.raises(BundleRefusal, match="expected") as refusal:
        parse_address(text)
    assert refusal.value.reason == "usage"
