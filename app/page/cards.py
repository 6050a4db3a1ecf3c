"""The endpoint of a card: a page for a browser, Markdown for who asks for it."""

import html
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from app.core.answer import Answer
from app.core.card import Card
from app.page.endpoints import Endpoint, respond
from app.page.files import StaticFile, StaticFiles, static_file
from app.page.negotiation import wants_markdown

# A card needs no script, and its words come from a bundle: so none runs on its page.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
MARKDOWN, HTML = "text/markdown; charset=utf-8", "text/html; charset=utf-8"
NAMES = {"card": "Model card", "datacard": "Data card"}  # by the end of the path


def card_endpoint(files: StaticFiles, path: str, read: Callable[[], Card | Answer]) -> Endpoint:
    """Return the endpoint of the card whose path ends with `path`. `read` returns it, or the answer if there is none.

    The page is made once for each bundle.
    """
    made: dict[tuple[str, bool], StaticFile] = {}  # by version, and whether it is Markdown; only of the newest version

    async def get(request: Request) -> Response:
        card = read()
        if isinstance(card, Answer):
            named = {name.decode(): value.decode() for name, value in card.headers}
            return Response(card.body, card.status, {**named, "Vary": "Accept"})
        key = (card.version, card.html is None or wants_markdown(request.headers.getlist("accept")))
        if key not in made:
            for old in [old for old in made if old[0] != card.version]:
                del made[old]
            made[key] = static_file(card.markdown, MARKDOWN) if key[1] else static_file(_page(files, path, card), HTML)
        headers = {"Cache-Control": "no-cache", "Vary": "Accept, Accept-Encoding", "Content-Security-Policy": POLICY}
        return respond(request, made[key], {**headers, "model-version": card.version})

    return get


def _page(files: StaticFiles, path: str, card: Card) -> bytes:
    """Return the page of a card. What is put into the frame is not searched for further places."""
    before, _, after = files.page("card.html").identity.body.partition(b"@card@")
    others = "".join(f' <a href="{other}">{NAMES[other]}</a>' for other in card.others)
    title = html.escape(f"{NAMES[path]}: {card.title}")
    start, _, end = before.partition(b"@others@")
    assert card.html is not None
    return start.replace(b"@title@", title.encode()) + others.encode() + end + card.html + after
