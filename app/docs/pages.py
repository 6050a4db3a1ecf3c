"""GET /docs: the interactive page. It is one file and loads nothing from another host."""

from pathlib import Path

from app.core.answer import Answer, Headers

PAGE = Path(__file__).parent / "docs.html"
HEADERS: Headers = [
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:",
    ),
]


def docs_page() -> Answer:
    """Return the page. It reads /openapi.json and /model, and sends requests to /predict."""
    return Answer(200, HEADERS, PAGE.read_bytes())


def index() -> Answer:
    """Redirect from / to /docs, for a person who opens the address of the service in a browser."""
    return Answer(303, [(b"location", b"/docs")], b"")
