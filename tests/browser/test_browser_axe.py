"""axe finds nothing on all pages, in light and dark, whatever they show."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.birds import DOUBTFUL, explained, open_page
from tests.support.browsing import opened
from tests.support.commands import ROOT
from tests.support.service import Service

pytestmark = pytest.mark.browser

AXE = ROOT / "tests/browser/node_modules/axe-core/axe.min.js"
SCREENS = (("light", 1280), ("dark", 360))
RUN = "() => axe.run(document, { resultTypes: ['violations', 'incomplete'] })"
UNLIKE = "bill_length_mm=55&flipper_length_mm=170&body_mass_g=6000"
# Rules that axe cannot decide by itself on some elements; a person looked at them.
SEEN = {
    "color-contrast",  # text over a picture or a gradient
    "label-content-name-mismatch",  # a button whose text is a symbol
}


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong or cannot decide: the rule, the element, and why."""
    if not AXE.is_file():
        pytest.skip("no axe here: apt install npm, then make test-browser")
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate(RUN)
    undecided = [rule for rule in found["incomplete"] if rule["id"] not in SEEN]
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in [*found["violations"], *undecided]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_axe_finds_nothing_on_the_first_page(chromium: Browser, service: Service, scheme: Any, width: int) -> None:
    """With a clear bird, a doubtful one, and what is unlike any; with the map and a table."""
    size = ViewportSize(width=width, height=900)
    with opened(chromium, color_scheme=scheme, viewport=size, reduced_motion="reduce") as watched:
        for row in ("", DOUBTFUL, UNLIKE):
            open_page(watched.page, service, row)
            explained(watched.page)
            for part in ("#map", "#table"):  # they are loaded when somebody comes near
                watched.page.locator(part).scroll_into_view_if_needed()
                watched.page.locator(f"{part} button").first.wait_for()
            assert violations(watched.page) == []
        watched.page.get_by_role("button", name="Try with 12 birds").click()
        expect(watched.page.locator(".table-status")).to_contain_text("12 birds")
        assert violations(watched.page) == []


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_axe_finds_nothing_in_the_documentation(chromium: Browser, service: Service, scheme: Any, width: int) -> None:
    """With all operations open, an answer and a refusal."""
    size = ViewportSize(width=width, height=900)
    with opened(chromium, color_scheme=scheme, viewport=size) as watched:
        page = watched.page
        watched.complaints.expect("status of 422")
        page.goto(f"http://127.0.0.1:{service.port}/docs")
        page.locator("#predict form").wait_for()
        assert violations(page) == []
        for _ in range(3):  # what is opened has parts that open
            page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
            page.wait_for_timeout(100)
        page.get_by_role("button", name="Send", exact=True).first.click()
        expect(page.locator("#predict .status")).to_contain_text("200")
        page.locator("#explain textarea").fill("{}")
        page.locator("#explain").get_by_role("button", name="Send", exact=True).click()
        expect(page.locator("#explain .status")).to_contain_text("422")
        assert violations(page) == []


@pytest.mark.parametrize("path", ["card", "datacard"])
@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_axe_finds_nothing_on_a_card(chromium: Browser, service: Service, scheme: Any, width: int, path: str) -> None:
    """A card is a text that fits a phone: only its tables scroll, and the keyboard reaches them."""
    with opened(chromium, color_scheme=scheme, viewport=ViewportSize(width=width, height=900)) as watched:
        page = watched.page
        page.goto(f"http://127.0.0.1:{service.port}/model/{path}")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        table = page.locator(".wide").first
        table.focus()
        expect(table).to_be_focused()
        page.get_by_role("link", name="The page to try the model").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Penguin species")
