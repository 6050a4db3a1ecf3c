"""Pages of other origins ask the service from a real browser: who may, and what they can read."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browsing import Watched, opened
from tests.support.commands import EXAMPLE
from tests.support.service import serving

pytestmark = pytest.mark.browser

INFER = "/v2/models/penguin/infer"
ASK = """async ([address, body, headers, method]) => {
    try {
        const reply = await fetch(address, { method: method ?? "POST", headers, body });
        return [reply.status, await reply.json(), reply.headers.get("model-version"), reply.headers.get("retry-after")];
    } catch (error) {
        return [0, error.name, null, null];
    }
}"""


class FieldApp(http.server.BaseHTTPRequestHandler):
    """A page of somebody else, without any policy of its own."""

    def do_GET(self) -> None:  # the name is http.server's
        body = b"<!doctype html><title>Field</title><link rel=icon href='data:,'>"
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  # the name is http.server's
        """Log nothing."""


@pytest.fixture
def field_app() -> Iterator[str]:
    """Serve the page of the other origin, and return that origin."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), FieldApp) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def visited(chromium: Browser, field_app: str) -> Iterator[Watched]:
    with opened(chromium) as watched:
        watched.complaints.expect("request to another host: http://127.0.0.1")  # that is what this is about
        watched.page.goto(f"{field_app}/")
        yield watched


def ask(page: Page, address: str, body: object = EXAMPLE, method: str = "POST", **headers: str) -> Any:
    """Return status, document, model-version and retry-after, as the page sees them; status 0 if it may not."""
    named = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    sent = [address, json.dumps(body), named, method] if method == "POST" else [address, None, headers, method]
    return page.evaluate(ASK, sent)


@pytest.mark.parametrize("fast", ["1", "0"])
@pytest.mark.parametrize("everyone", [True, False])
def test_a_page_of_an_allowed_origin_asks(
    visited: Watched, field_app: str, bundle_path: Path, everyone: bool, fast: str
) -> None:
    """The page reads answers and errors, the version of the model, and may send headers of its own."""
    visited.complaints.expect("status of 4")
    allowed = "*" if everyone else f"https://field.example,{field_app}"
    with serving(bundle_path, ALLOWED_ORIGINS=allowed, FAST_PATH=fast) as running:
        at = f"http://127.0.0.1:{running.port}"
        expected = running.predict(EXAMPLE)
        for headers in ({}, {"prefer": "server-timing"}, {"x_own": "1", "traceparent": f"00-{1:032x}-{1:016x}-01"}):
            found = ask(visited.page, f"{at}/predict", **headers)
            assert found[:3] == [200, expected.document, expected.headers["model-version"]]
        status, document, *_ = ask(visited.page, f"{at}/predict", {**EXAMPLE, "body_mass_g": 3.75})
        assert (status, document["suggestion"]["body_mass_g"]) == (400, 3750)
        assert ask(visited.page, f"{at}/model", method="GET")[1]["version"] == expected.headers["model-version"]
        assert ask(visited.page, f"{at}/nowhere", method="GET")[0] == 404
        tensor = {"name": "measurements", "datatype": "FP32", "shape": [1, 4], "data": list(EXAMPLE.values())}
        assert ask(visited.page, f"{at}{INFER}", {"inputs": [tensor]})[0] == 200


def test_a_page_that_asks_too_often_reads_that_it_does(visited: Watched, field_app: str, bundle_path: Path) -> None:
    """Limits do not count preflights, and their refusal can be read: the page learns when to try again."""
    visited.complaints.expect("status of 429")
    with serving(bundle_path, ALLOWED_ORIGINS=field_app, REQUESTS_PER_SECOND="0.01", BURST_REQUESTS="2") as running:
        found = [ask(visited.page, f"http://127.0.0.1:{running.port}/predict", x_own=str(each)) for each in range(3)]
        assert [status for status, *_ in found] == [200, 200, 429]
        assert int(found[2][3]) > 0


@pytest.mark.parametrize("allowed", ["", "https://field.example"])
def test_a_page_of_another_origin_may_not(visited: Watched, bundle_path: Path, allowed: str) -> None:
    """Without the setting, or with other origins in it, the browser lets the page read nothing."""
    for words in ("blocked by CORS policy", "ERR_FAILED", "status of 40"):
        visited.complaints.expect(words)
    with serving(bundle_path, ALLOWED_ORIGINS=allowed) as running:
        at = f"http://127.0.0.1:{running.port}"
        assert ask(visited.page, f"{at}/predict")[0] == 0
        assert ask(visited.page, f"{at}/model", method="GET")[0] == 0


def test_credentials_are_never_allowed(visited: Watched, bundle_path: Path) -> None:
    """A page that wants to send cookies may not read the answer, even where every origin may ask."""
    visited.complaints.expect("blocked by CORS policy")
    visited.complaints.expect("ERR_FAILED")
    with serving(bundle_path, ALLOWED_ORIGINS="*") as running:
        script = "address => fetch(address, { credentials: 'include' }).then((r) => r.status, () => 0)"
        assert visited.page.evaluate(script, f"http://127.0.0.1:{running.port}/model") == 0
