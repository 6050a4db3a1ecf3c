"""A real browser: Debian's Chromium, driven by Playwright, which downloads none of its own."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, Route, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")  # the names of Debian, Ubuntu and GitHub's machines
FLAGS = (  # it asks nothing of the network by itself
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
WAIT_MS = 20_000  # for what a test expects to see, on a busy machine
PERMISSIONS = ["clipboard-read", "clipboard-write"]
# Runs before the page's own scripts: a violation of the Content-Security-Policy becomes a line of the console.
VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""


@contextlib.contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start the browser. Skip the test, and name Debian's package, if there is none.

    Playwright keeps an event loop in the thread that started it. So a fixture must end before a test of another module
    begins: asyncio.run refuses to run inside of another loop.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no browser here: apt install chromium")
    root = os.geteuid() == 0  # for whom Chromium has no sandbox
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS), chromium_sandbox=not root)
        with contextlib.closing(browser):
            yield browser


class Complaints:
    """What is wrong with a page besides what a test looks at.

    Each console error, uncaught error, violation of the policy, and request to another host is a complaint. A test that
    provokes one says so with `expect`.
    """

    def __init__(self, page: Page) -> None:
        self.found: list[str] = []
        self._expected: list[str] = []
        self._page = page
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.found.append(f"uncaught: {error}"))
        page.on("request", self._asked)
        page.add_init_script(VIOLATIONS)

    def expect(self, part: str) -> None:
        """Ignore complaints with these words: the test provokes them, such as `status of 400`."""
        self._expected.append(part)

    def unexpected(self) -> list[str]:
        """Return the complaints that no test expects."""
        return [each for each in self.found if not any(part in each for part in self._expected)]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.found.append(f"{message.type} in the console: {message.text} ({message.location.get('url', '')})")

    def _asked(self, request: Request) -> None:
        asked = urlsplit(request.url)
        if asked.scheme not in ("data", "blob") and asked.netloc != urlsplit(self._page.url).netloc:
            navigation = request.is_navigation_request() and request.frame == self._page.main_frame
            if not (navigation and asked.hostname == "127.0.0.1"):
                self.found.append(f"request to another host: {request.url}")


class Watched:
    """A page and the complaints about it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints = Complaints(page)


@contextlib.contextmanager
def opened(browser: Browser, **options: object) -> Iterator[Watched]:
    """Open a new page, with nothing stored. At the end of the block there must be no complaint.

    `options` are those of Browser.new_context, such as color_scheme="dark" and viewport.
    """
    context = browser.new_context(permissions=PERMISSIONS, **options)  # type: ignore[arg-type]  # many types
    context.set_default_timeout(WAIT_MS)
    watched = Watched(context.new_page())
    try:
        yield watched
        found = watched.complaints.unexpected()
        assert not found, "\n".join(found)
    finally:
        with contextlib.suppress(Error):  # the browser itself may have died: its own error says more
            context.close()


def be_busy_twice(page: Page, path: str, document: dict[str, str]) -> None:
    """Answer the next two requests to a path with 503 and this document, and let the others through."""
    refusals = [1, 1]

    def busy(route: Route) -> None:
        if refusals:
            refusals.pop()
            route.fulfill(status=503, headers={"retry-after": "1"}, body=msgspec.json.encode(document))
        else:
            route.continue_()

    page.route(path, busy)
