"""GET /model/card and /model/datacard: a page or Markdown, for the bundle that is served."""

import gzip
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.card import Card
from app.page.cards import _page
from app.page.files import StaticFiles
from app.page.negotiation import wants_markdown
from contract.manifest import CARD_FILES, MANIFEST_FILE, html_file
from tests.support.apples import Compiled
from tests.support.service import Service, serving

PATHS = {"/model/card": "model_card.md", "/model/datacard": "data_card.md"}
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("path", PATHS)
def test_a_card_is_a_page_or_markdown(service: Service, bundle_path: Path, path: str) -> None:
    """A browser and a tool get the page with the HTML of the bundle in it; who names Markdown gets the file."""
    name = PATHS[path]
    page = service.request("GET", path, headers=BROWSER)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert (bundle_path / html_file(name)).read_bytes() in page.body
    assert service.request("GET", path).body == page.body
    text = service.request("GET", path, headers={"accept": "text/markdown, */*;q=0.1"})
    assert (text.status, text.headers["content-type"]) == (200, "text/markdown; charset=utf-8")
    assert text.body == (bundle_path / name).read_bytes()
    assert page.headers["etag"] != text.headers["etag"]
    for reply in (page, text):
        assert reply.headers["model-version"] == service.request("GET", "/model").headers["model-version"]
        assert reply.headers["vary"] == "Accept, Accept-Encoding"
        assert reply.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", PATHS)
def test_a_card_runs_nothing(service: Service, path: str) -> None:
    """Its policy allows the page's own styles and pictures, and no script at all; the page has none."""
    page = service.request("GET", path, headers=BROWSER)
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self';")
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert not re.search(rb"<script|\son\w+=|\sstyle=", page.body)
    names = re.findall(rb'(?:src|href)="(\.\./static/[^"]+)"', page.body)
    assert len(names) == 3
    for name in names:
        assert service.request("GET", name.decode().removeprefix("..")).status == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_known_card_costs_nothing(service: Service, path: str) -> None:
    """It is sent again only if it changed, compressed if the client takes that, and HEAD has no body."""
    page = service.request("GET", path, headers=BROWSER)
    again = service.request("GET", path, headers={**BROWSER, "if-none-match": page.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    small = service.request("GET", path, headers={**BROWSER, "accept-encoding": "gzip"})
    assert gzip.decompress(small.body) == page.body
    head = service.request("HEAD", path, headers=BROWSER)
    assert (head.status, head.body, head.headers["etag"]) == (200, b"", page.headers["etag"])
    assert service.request("POST", path, b"{}").status == 405


def test_the_cards_name_each_other(service: Service) -> None:
    """Each page links to the other card, to the page of the model and to the documentation; that page links here."""
    for path, other in (("/model/card", b'href="datacard"'), ("/model/datacard", b'href="card"')):
        page = service.request("GET", path, headers=BROWSER).body
        assert all(link in page for link in (other, b'href="../"', b'href="../docs"'))
    assert b'href="model/card"' in service.request("GET", "/", headers=BROWSER).body


def test_a_bundle_without_cards(bundle_path: Path, tmp_path: Path) -> None:
    """An older bundle is served as before; its cards are a 404 that says what to do."""
    copy = tmp_path / "bundle"
    shutil.copytree(bundle_path, copy)
    manifest = msgspec.json.decode((copy / MANIFEST_FILE).read_bytes())
    for name in CARD_FILES:
        del manifest["files"][name], manifest["files"][html_file(name)]
    (copy / MANIFEST_FILE).write_bytes(msgspec.json.encode(manifest))
    with serving(copy) as running:
        for path in PATHS:
            reply = running.request("GET", path, headers=BROWSER)
            assert reply.status == 404
            assert reply.headers["content-type"] == "application/problem+json"
            assert "compile" in reply.document["detail"]
            assert reply.headers["model-version"] == running.request("GET", "/model").document["version"]


def test_a_model_of_unknown_rows_has_no_data_card(apples: Callable[[str], Compiled]) -> None:
    """Its model card does not link to one, and asking for it says why there is none."""
    with serving(apples("number").bundle_path) as running:
        page = running.request("GET", "/model/card", headers=BROWSER)
        assert page.status == 200
        assert b"<title>Model card: Apples</title>" in page.body
        assert b"datacard" not in page.body
        assert "nothing is known" in running.request("GET", "/model/datacard").document["detail"]


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_title_and_no_card_changes_the_frame(title: str, words: str) -> None:
    """A title is text, and what is put into the frame is not searched for places in the frame."""
    inner = f"<p>@title@ @card@ @others@ @digest@ {words.encode('utf-8', 'replace').decode()}</p>".encode()
    files = StaticFiles()
    card = Card("v", title + "@card@@others@</title><script>", b"", inner, ("datacard",))
    page = _page(files, "card", card)
    assert page.count(inner) == 1
    frame = page.replace(inner, b"")
    assert b"<script" not in frame
    assert frame.count(b"</title>") == 1
    assert frame.count(b'<a href="datacard">Data card</a>') == 1


@pytest.mark.parametrize(
    ("accept", "markdown"),
    [
        ([], False),
        (["*/*"], False),
        (["text/*"], False),
        (["text/markdown"], True),
        (["TEXT/Markdown;q=0.5, */*"], True),
        (["text/markdown, text/html"], True),
        (["text/markdown;q=0.5, text/html"], False),
        (["text/markdown;q=0"], False),
    ],
)
def test_who_gets_markdown(accept: list[str], markdown: bool) -> None:
    """Who names it, and does not want HTML more."""
    assert wants_markdown(accept) is markdown
