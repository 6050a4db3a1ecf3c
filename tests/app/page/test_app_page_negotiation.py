"""What a client asks for in Accept, Accept-Encoding and If-None-Match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.page.negotiation import is_known, takes_gzip, wants_html, weights


@pytest.mark.parametrize(
    ("values", "html"),
    [
        ([], False),
        (["*/*"], False),
        (["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], True),
        (["application/json", "TEXT/HTML ; q=0.5"], True),
        (["text/html;q=0, */*"], False),
        (["text/html;level=1;Q=0.000"], False),
        (["text/htmlx, application/json"], False),
        ([",, ,"], False),
    ],
)
def test_only_a_client_that_names_html_gets_the_page(values: list[str], html: bool) -> None:
    """Browsers name text/html; what tools send, */*, does not count, and a weight of 0 means no."""
    assert wants_html(values) is html


@pytest.mark.parametrize(
    ("values", "compressed"),
    [
        ([], False),
        (["gzip, deflate, br, zstd"], True),
        (["br", "GZIP"], True),
        (["gzip;q=0"], False),
        (["gzip;q=0, *"], False),
        (["*"], True),
        (["*;q=0"], False),
        (["identity"], False),
        (["x-gzip"], True),
        ([""], False),
        (["gzip;q=many"], True),
    ],
)
def test_only_a_client_that_takes_gzip_gets_it(values: list[str], compressed: bool) -> None:
    """The client must name gzip or anything, and not with a weight of 0."""
    assert takes_gzip(values) is compressed


@pytest.mark.parametrize(
    ("values", "known"),
    [
        ([], False),
        (['"abc"'], True),
        (['W/"abc"'], True),
        (['"x", "abc-gzip"', '"abc"'], True),
        (["*"], True),
        (['"abc-gzip"'], False),
        (["abc"], False),
        (['"ab"c"'], False),
    ],
)
def test_a_client_that_has_the_file_is_recognized(values: list[str], known: bool) -> None:
    """Entity tags are compared weakly, in a list of any length."""
    assert is_known(values, '"abc"') is known


@given(st.lists(st.text()))
def test_no_header_breaks_the_negotiation(values: list[str]) -> None:
    """Whatever a client sends, weights are between 0 and 1, and nothing is raised."""
    assert all(0 <= weight <= 1 for weight in weights(values).values())
    assert takes_gzip(values) in (True, False)
    assert is_known(values, '"abc"') in (True, False)
