"""The endpoints of the pages and of the files that they load.

A page is asked for again on each visit (`no-cache`, with an entity tag), so that a new version is seen at once. Its
files have the digest in their path and may be kept for ever.
"""

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.page.files import StaticFile, StaticFiles
from app.page.negotiation import is_known, takes_gzip, wants_html

Endpoint = Callable[[Request], Awaitable[Response]]

STATIC_PATH = "/static/{digest}/{name}"
FOR_EVER = "public, max-age=31536000, immutable"  # a year, the longest that is of use
SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def static_endpoint(files: StaticFiles) -> Endpoint:
    """Return the endpoint of the files that pages load.

    While a new version is deployed, a page of one process may ask another one, which has other files. It gets the file
    that is here, not to be stored: two versions nearly always fit, and a page whose script is missing shows nothing.
    """

    async def get(request: Request) -> Response:
        found = files.file(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        caching = FOR_EVER if request.path_params["digest"] == files.digest else "no-store"
        return respond(request, found, {"Cache-Control": caching, "Vary": "Accept-Encoding"})

    return get


def page_endpoint(files: StaticFiles, name: str) -> Endpoint:
    """Return the endpoint of an HTML page, whatever the client accepts."""

    async def get(request: Request) -> Response:
        return _page(request, files, name, "Accept-Encoding")

    return get


def index_endpoint(files: StaticFiles) -> Endpoint:
    """Return the endpoint of GET /: the page for a browser, a redirect to /docs for all others."""

    async def get(request: Request) -> Response:
        if wants_html(request.headers.getlist("accept")):
            return _page(request, files, "index.html", "Accept, Accept-Encoding")
        return Response(b"", 303, {"Location": "/docs", "Vary": "Accept"})

    return get


def _page(request: Request, files: StaticFiles, name: str, vary: str) -> Response:
    headers = {"Cache-Control": "no-cache", "Vary": vary, "Content-Security-Policy": POLICY}
    return respond(request, files.page(name), headers)


def respond(request: Request, file: StaticFile, headers: dict[str, str]) -> Response:
    """Return the file in the encoding that the client takes, or 304 if the client has it."""
    chosen = file.best(gzip=takes_gzip(request.headers.getlist("accept-encoding")))
    headers = {**headers, **SAFE, "ETag": chosen.etag}
    if is_known(request.headers.getlist("if-none-match"), chosen.etag):
        return Response(b"", 304, headers)
    headers["Content-Type"] = file.media_type
    if chosen.encoding:
        headers["Content-Encoding"] = chosen.encoding
    return Response(chosen.body, 200, headers)
