"""Both pages of a real service in a real browser, and the harness itself."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsing import opened
from tests.support.service import Service

pytestmark = pytest.mark.browser


def test_the_address_of_the_service_shows_a_page(page: Page, service: Service) -> None:
    """A person opens the address of the service and sees a page, not a redirect."""
    page.goto(f"http://127.0.0.1:{service.port}/")
    expect(page.locator("main")).to_be_attached()
    expect(page).to_have_url(f"http://127.0.0.1:{service.port}/")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("console.error('broken')", "broken"),
        ("setTimeout(() => { throw new Error('thrown') }, 0)", "thrown"),
        ("document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\">x')", "policy violated: style-src"),
        ("new Image().src = 'http://127.0.0.2:9/x.png'", "policy violated: img-src"),
    ],
)
def test_a_page_is_watched(chromium: Browser, service: Service, script: str, words: str) -> None:
    """The harness fails a test whose page has an error, breaks the policy, or asks another host."""

    def visit() -> None:
        with opened(chromium) as watched:
            watched.page.goto(f"http://127.0.0.1:{service.port}/docs")
            watched.page.evaluate(script)
            watched.page.wait_for_timeout(100)

    with pytest.raises(AssertionError, match=words):
        visit()
