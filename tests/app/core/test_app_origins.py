"""The setting ALLOWED_ORIGINS: what it takes, and what it refuses at the start."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.origins import parse_origins
from app.core.settings import read_settings
from contract.refusal import Refusal
from tests.support.commands import ROOT

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
HOST = st.one_of(st.lists(LABEL, min_size=1, max_size=4).map(".".join), st.ip_addresses(v=6).map(lambda ip: f"[{ip}]"))
ORIGIN = st.builds(
    lambda scheme, host, port: f"{scheme}://{host}:{port}" if port else f"{scheme}://{host}",
    st.sampled_from(["http", "https", "capacitor", "moz-extension"]),
    HOST,
    st.one_of(st.none(), st.integers(1024, 65_535)),
)


@given(st.lists(ORIGIN, min_size=1, max_size=5), st.sampled_from([",", ", ", " ,  "]))
def test_origins_as_browsers_send_them_are_taken(origins: list[str], comma: str) -> None:
    """A list of origins, with blanks around the commas or without, is what is allowed."""
    assert parse_origins(comma.join(origins)) == {origin.encode() for origin in origins}


def test_everyone_is_a_star() -> None:
    """`*` stands for all origins."""
    assert parse_origins("*") == {b"*"}


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("https://field.example/", "type https://field.example"),
        ("https://Field.example", "type https://field.example"),
        ("https://field.example:443", "type https://field.example"),
        ("http://field.example:80/app?x#y", "type http://field.example"),
        ("https://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example", "type https://xn--bcher-kva.example"),
        ("field.example", "type https://field.example"),
        ("https://user:secret@field.example", "type https://field.example"),
        ("https://field.example https://other.example", "for example"),
        ("null", "type https://null"),
        ("https://*.field.example", "type ALLOWED_ORIGINS="),
        ("https://field.example:0", "type https://field.example"),
        ("https://field.example:99999", "type ALLOWED_ORIGINS="),
        ("https://field.example,", "found ''"),
        ("https://", "type ALLOWED_ORIGINS="),
        ("*, https://field.example", "`*` alone"),
        ("https://a\r\nx: y", "type"),
    ],
)
def test_what_no_browser_sends_is_refused(text: str, advice: str) -> None:
    """A setting that could never match is refused, with what is expected, what was found, and what to type."""
    with pytest.raises(Refusal) as refused:
        read_settings({"ALLOWED_ORIGINS": text})
    assert "ALLOWED_ORIGINS" in str(refused.value)
    assert advice in str(refused.value) or advice == "for example"


@pytest.mark.parametrize("command", [("app",), ("app", "--workers", "2"), ("uvicorn", "app.main:app", "--port", "0")])
def test_a_malformed_setting_ends_the_start(command: tuple[str, ...]) -> None:
    """The start ends with status 2 and one line, whoever serves."""
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, "ALLOWED_ORIGINS": "https://field.example/", "ALLOW_UNSIGNED_BUNDLES": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "type https://field.example" in ended.stderr
