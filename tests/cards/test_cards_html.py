"""A card as HTML: no text becomes markup, and nothing runs."""

import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cards.html import html_of
from cards.markdown import bullets, code, heading, joined, plain, table

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=40)
ALLOWED = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "div", "table", "thead", "tbody", "tr", "th", "td"),
    *("a", "code", "pre", "em", "strong", "blockquote", "hr", "br"),
}


class Reader(HTMLParser):
    """Collects the elements, the attributes and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


@given(TEXTS)
@example("<script>alert(1)</script>")
@example("a|b`c``d` [x](javascript:1) ![y](http://z) &amp; *e* _f_ ~~g~~ # h http://i <http://j>")
@example("\\")
@example("- # 1. > ---")
def test_a_text_is_shown_as_it_is(text: str) -> None:
    """In a heading, a sentence, a list and a table a text from elsewhere is the same text, and no element."""
    shown = " ".join(text.split())
    page = joined([heading(1, f"x {plain(text)} y"), f"x {plain(text)} y", bullets([f"x {plain(text)} y"])])
    page += "\n" + table(("a", "b"), [(f"x {plain(text)} y", f"x {code(text)} y")])
    read = Reader(html_of(page))
    assert read.text.count(" ".join(f"x {shown} y".split())) >= 5
    assert set(read.tags) <= {"h1", "p", "ul", "li", "div", "table", "thead", "tbody", "tr", "th", "td", "code"}


@given(st.text(st.sampled_from("<>&\"'`|*_[]()!#-=~\\ \nabc:/.javascript1\t"), max_size=120))
def test_no_card_makes_a_page_run_anything(card: str) -> None:
    """Whatever an owner writes: only elements of a text, no event, no style, no address of another kind."""
    read = Reader(html_of(card))
    assert set(read.tags) <= ALLOWED
    for name, value in read.attributes:
        assert name in ("href", "rel", "class", "role", "aria-label", "tabindex", "title", "start")
        if name == "href":
            assert not re.match(r"\s*(javascript|vbscript|data|file):", value or "", re.I)


@pytest.mark.parametrize(
    ("markdown", "part"),
    [
        ("[d](data_card.md)", '<a href="datacard" rel="noreferrer">d</a>'),
        ("[m](model_card.md)", '<a href="card" rel="noreferrer">m</a>'),
        ("[x](https://example.org/a?b=1&c=2)", '<a href="https://example.org/a?b=1&amp;c=2" rel="noreferrer">x</a>'),
        ("![picture](https://example.org/a.png)", '!<a href="https://example.org/a.png"'),
        ("<b>bold</b>", "&lt;b&gt;bold&lt;/b&gt;"),
        (
            "## A *b*\n\n| x |\n|--:|\n| 1 |",
            '<div class="wide" role="region" aria-label="A *b*, table 1" tabindex="0">',
        ),
        ("| x |\n|--:|\n| 1 |", '<td class="number">1</td>'),
        ("---\nlicense: mit\n---\n# Title", "<h1>Title</h1>"),
    ],
)
def test_what_becomes_of_markdown(markdown: str, part: str) -> None:
    """Links lead to where cards are served, tables scroll, columns of numbers are to the right."""
    page = html_of(markdown)
    assert part in page
    assert "license" not in page
    assert "style=" not in page


def test_quotes_in_a_heading_stay_in_the_label() -> None:
    """The label of a table is an attribute: a quote in the heading does not end it."""
    page = html_of('# "><script>\n\n| x |\n|---|\n| 1 |')
    assert "<script>" not in page
    assert dict(Reader(page).attributes)["aria-label"] == '"><script>, table 1'
    assert html.escape('"><script>') in page
