"""The HTML of a card, for browsers. It is made when a model is compiled: the service holds no Markdown library."""

from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

from cards.front_matter import parted
from contract.manifest import DATA_CARD_FILE, MODEL_CARD_FILE

PATHS = {MODEL_CARD_FILE: "card", DATA_CARD_FILE: "datacard"}  # how cards link to each other: where they are served
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")  # lifetime: process


def html_of(card: str) -> str:
    """Return the Markdown of a card as HTML, without its front matter.

    Raw HTML in the Markdown is shown as text, images are links, and links lead to http, https, mail, or to the other
    card. A table can be scrolled by itself, also with the keyboard.
    """
    tokens = list(_changed(_MARKDOWN.parse(parted(card)[1])))
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def _changed(tokens: list[Token]) -> Iterator[Token]:
    """Yield the tokens of a card, with what a page needs. Our policy allows no style in an element: it is a class."""
    heading, tables = "", 0
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = tokens[place + 1].content
        elif token.type == "table_open":
            tables += 1
            label = escapeHtml(f"{heading}, table {tables}")
            yield _raw(f'<div class="wide" role="region" aria-label="{label}" tabindex="0">\n')
        elif token.type in ("th_open", "td_open") and "right" in str(token.attrs.pop("style", "")):
            token.attrs["class"] = "number"
        for child in token.children or ():
            if child.type == "link_open":
                href = str(child.attrs["href"])
                child.attrs |= {"href": PATHS.get(href, href), "rel": "noreferrer"}
        yield token
        if token.type == "table_close":
            yield _raw("</div>\n")


def _raw(html: str) -> Token:
    return Token("html_block", "", 0, content=html)
