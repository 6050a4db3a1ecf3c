"""GET /docs: the interactive page, whole in one file, with nothing from another host."""

from pathlib import Path

from app.answer import Answer, Headers

PAGE = Path(__file__).parent / "docs.html"
HEADERS: Headers = [
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:",
    ),
]


def docs_page() -> Answer:
    """The page. It reads /openapi.json and /model, and sends to /predict."""
    return Answer(200, HEADERS, PAGE.read_bytes())


def index() -> Answer:
    """A person who opens the bare address lands on the page."""
    return Answer(303, [(b"location", b"/docs")], b"")
