"""Front matter: what PyYAML reads is what was written."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cards.front_matter import front_matter, model_of, parted

SHA256 = "0123456789abcdef" * 4
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))  # no lone surrogates: no file has them
WORDS = {"y", "n", "on", "off", "no", "yes", "true", "false", "null"}  # keys that YAML takes for something else
KEYS = st.from_regex(r"[a-z][a-z_-]{0,12}", fullmatch=True).filter(lambda key: key not in WORDS)
SCALARS = st.one_of(TEXTS, st.integers(), st.floats(allow_nan=False))
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_is_written_is_what_is_read(metadata: dict[str, Any]) -> None:
    """Texts of any characters, numbers, lists and mappings come back as they were, in their order."""
    matter, rest = parted(front_matter(metadata) + "# Title\n")
    read = yaml.safe_load(matter) or {}
    assert rest == "# Title\n"
    assert read == metadata
    assert list(read) == list(metadata)


@pytest.mark.parametrize(
    ("card", "matter", "rest"),
    [
        ("", "", ""),
        ("# Only a text\n", "", "# Only a text\n"),
        ("---\na: 1\n---\ntext", "a: 1\n", "text"),
        ("\ufeff---\r\na: 1\r\n---\r\ntext\r\n", "a: 1\n", "text\n"),
        ("---\nno end\n", "", "---\nno end\n"),
        ("text\n---\na: 1\n---\n", "", "text\n---\na: 1\n---\n"),
    ],
)
def test_a_card_is_parted(card: str, matter: str, rest: str) -> None:
    """Front matter begins the file and has an end; Windows' line ends and a byte order mark do not matter."""
    assert parted(card) == (matter, rest)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f'model_sha256: "{SHA256}"', SHA256),
        (f"model_sha256: {SHA256}", SHA256),
        (f"model_sha256: '{SHA256}' ", SHA256),
        (f"model_sha256: {SHA256[1:]}", None),
        (f"  model_sha256: {SHA256}", None),
        (f"sha256: {SHA256}", None),
    ],
)
def test_a_card_names_its_model(line: str, found: str | None) -> None:
    """The digest is a key of the front matter, with or without quotes, and not a word of the text."""
    assert model_of(f"---\nlicense: mit\n{line}\n---\n# Card\n") == found
    assert model_of(f"# Card\n{line}\n") is None
