"""The pages and the files that they load, from a real service."""

import gzip
import re
import shutil
from pathlib import Path

import pytest

from app.page.files import FOLDER, PLACE, StaticFiles
from tests.support.commands import ROOT
from tests.support.service import Reply, Service, serving
from tests.support.telemetry import eventually, free_port, samples, scrape, value

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
REFERENCE = re.compile(rb'(?:src|href)="(static/[^"]+)"')
FIRST_PAGE_BYTES, DOCS_BYTES = 60_000, 30_000  # that GET / loads compressed, and that /docs loads besides
COUNT = "http_server_request_duration_seconds_count"
FOREVER = "public, max-age=31536000, immutable"


def index(service: Service, **headers: str) -> Reply:
    return service.request("GET", "/", headers={**BROWSER, **headers})


def file(service: Service, name: str, headers: dict[str, str] | None = None) -> Reply:
    return service.request("GET", f"/static/{StaticFiles().digest}/{name}", headers=headers)


def test_a_browser_gets_the_page_and_a_tool_the_redirect(service: Service) -> None:
    """GET / answers with the page if the client names HTML, else with a redirect; caches are told what decided."""
    page, tool = index(service), service.request("GET", "/", headers={"accept": "*/*"})
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert (tool.status, tool.headers["location"], tool.headers["vary"]) == (303, "/docs", "Accept")
    assert "Accept" in page.headers["vary"].split(", ")
    assert service.request("GET", "/").status == 303


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_is_fresh_and_strict(service: Service, path: str) -> None:
    """A page is asked for again each time, costs nothing if it is the same, and forbids all but its own files."""
    page = service.request("GET", path, headers=BROWSER)
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self'; style-src 'self';"
    )
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    again = service.request("GET", path, headers={**BROWSER, "if-none-match": page.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == page.headers["etag"]
    assert "content-length" not in again.headers


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_all_that_a_page_names_is_here_and_can_be_kept(service: Service, path: str) -> None:
    """Each file that a page names has one digest in its path, and may be kept for ever."""
    page = service.request("GET", path, headers=BROWSER)
    names = REFERENCE.findall(page.body)
    assert names
    assert PLACE not in page.body
    for name in names:
        assert name.startswith(b"static/%b/" % StaticFiles().digest.encode())
        reply = service.request("GET", "/" + name.decode())
        assert (reply.status, reply.headers["cache-control"]) == (200, FOREVER)


def test_files_are_sent_as_they_are_or_compressed(service: Service) -> None:
    """A client that takes gzip gets it, and both forms have their own entity tag and the same bytes."""
    plain, small = file(service, "docs.js"), file(service, "docs.js", {"accept-encoding": "gzip"})
    assert plain.body == gzip.decompress(small.body)
    assert plain.body.count(b"\n") == (FOLDER / "docs.js").read_bytes().count(b"\n")
    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert plain.headers["vary"] == small.headers["vary"] == "Accept-Encoding"
    assert plain.headers["etag"] != small.headers["etag"]
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert file(service, "docs.css").headers["content-type"] == "text/css; charset=utf-8"
    assert file(service, "docs.js", {"if-none-match": plain.headers["etag"]}).status == 304


def test_a_page_of_another_version_gets_files_that_are_not_kept(service: Service) -> None:
    """While a new version is deployed, a page of the other one works, and nothing wrong is stored."""
    reply = service.request("GET", "/static/0123456789abcdef/docs.js")
    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")
    assert reply.body == file(service, "docs.js").body


@pytest.mark.parametrize(
    "name", ["none.js", "docs.html", "..%2ffiles.py", "%2e%2e/files.py", "", "docs.js/", "DOCS.JS"]
)
def test_nothing_else_is_sent(service: Service, name: str) -> None:
    """There is no way to another file, and a page has no second address."""
    assert file(service, name).status == 404


def test_a_file_can_be_asked_for_without_its_bytes(service: Service) -> None:
    """HEAD gives the headers of GET."""
    path = f"/static/{StaticFiles().digest}/docs.js"
    head = service.request("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) == len(file(service, "docs.js").body)


def test_the_digest_names_every_byte(tmp_path: Path) -> None:
    """A change of one file's bytes, or of one name, changes the digest; nothing is read before it is asked for."""
    shutil.copytree(FOLDER, tmp_path / "static")
    later = StaticFiles(tmp_path / "static")
    assert StaticFiles(tmp_path / "static").digest == StaticFiles().digest
    (tmp_path / "static/docs.css").rename(tmp_path / "static/other.css")
    renamed = StaticFiles(tmp_path / "static").digest
    (tmp_path / "static/docs.js").write_bytes(b"")
    assert len({StaticFiles().digest, renamed, later.digest}) == 3
    empty = later.file("docs.js")
    assert empty is not None
    assert empty.gzipped is None


def sent(files: StaticFiles, name: str) -> int:
    """Return how many bytes of a body a browser gets."""
    found = files.page(name) if name.endswith(".html") else files.file(name)
    assert found is not None
    return len(found.best(gzip=True).body)


def loaded(name: str) -> set[str]:
    """Return a page or a script with all that it loads at once: not what is imported later, when it is needed."""
    text = (FOLDER / name).read_text()
    named = [path.rpartition("/")[2] for path in re.findall(r'(?:src|href)="static/([^"]+)"', text)]
    named += re.findall(r'^(?:import|export)\b[^;"]*"\./([\w.-]+\.js)"', text, re.MULTILINE)
    return {name}.union(*map(loaded, named))


def test_the_pages_are_small() -> None:
    """GET / and all that it loads are at most 60 kB compressed, and what /docs loads besides at most 30 kB more."""
    files, first, docs = StaticFiles(), loaded("index.html"), loaded("docs.html")
    assert {"main.js", "ask.js", "style.css"} < first
    assert {"docs.js", "docs-dom.js", "docs.css"} < docs
    assert sum(sent(files, name) for name in first) <= FIRST_PAGE_BYTES
    assert sum(sent(files, name) for name in docs - first) <= DOCS_BYTES


def test_the_sources_make_no_markup_from_text() -> None:
    """No script turns text into markup or code, no page has a style or script of its own, none names another host."""
    for path in FOLDER.iterdir():
        text = path.read_text()
        for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "style="):
            assert forbidden not in text, (path.name, forbidden)
        assert not re.search(r"""(src|import|from|url|<link[^>]* href)\s*[=(]?\s*["'](https?:)?//""", text), path.name
    for path in FOLDER.glob("*.html"):
        assert not re.search(r"<script(?![^>]* src=)|<style|\son[a-z]+=", path.read_text()), path.name


def test_the_image_gets_the_files_and_not_the_tools() -> None:
    """The image copies app/, whose folder has nothing but what is served, and no tool of npm is in its context."""
    assert "COPY app app\n" in (ROOT / "Dockerfile").read_text()
    assert "**/node_modules" in (ROOT / ".dockerignore").read_text().splitlines()
    suffixes = {path.suffix for path in FOLDER.iterdir()}
    assert suffixes <= {".html", ".css", ".js", ".svg"}


def test_clients_create_no_labels(bundle_path: Path) -> None:
    """All files of the pages are counted under one route, whatever digest and name a client makes up."""
    port = free_port()
    with serving(bundle_path, METRICS_PORT=str(port), METRICS_HOST="127.0.0.1") as running:
        for path in ("/static/a/docs.js", "/static/b/docs.js", "/static/c/none", "/static/", "/statics"):
            running.request("GET", path)
        asked = {"http_request_method": "GET"}
        eventually(lambda: value(samples(scrape(port)), COUNT, **asked) >= 5)
        found = samples(scrape(port))
        assert value(found, COUNT, http_route="/static/", **asked) == 4
        assert not [labels for _, labels in found if dict(labels).get("http_route", "").startswith("/static/a")]
