"""A card of the model: a page for people about the model or its data."""

from typing import NamedTuple


class Card(NamedTuple):
    """A card that the bundle has. `html` is a part of a page; None if the bundle has only the Markdown.

    `version` is that of the bundle, `title` the name of the model for people. `others` are the paths of the bundle's
    other cards, beside this one's.
    """

    version: str
    title: str
    markdown: bytes
    html: bytes | None
    others: tuple[str, ...] = ()
