"""The service under the page stops, starts, is busy, and changes its model."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from bundle.signing.private import SigningKey
from tests.browser.birds import answer, explained, field, open_page, type_value
from tests.support.browsing import Complaints
from tests.support.bundles import new_key
from tests.support.releases import FAST, Release, Shop, of_first_rounds, relabelled, sign_copy, until_ready
from tests.support.service import APP, serving

pytestmark = pytest.mark.browser

# Keeps all that the note says: this process may look too late.
NOTES = """() => {
  globalThis.notes = [];
  const note = document.getElementById("banner");
  new MutationObserver(() => notes.push(note.textContent)).observe(note, { childList: true });
}"""


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return new_key()


@pytest.fixture(scope="module")
def release(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Release:
    return sign_copy(bundle_path, tmp_path_factory.mktemp("release") / "bundle", key)


def test_the_page_outlives_its_service(page: Page, complaints: Complaints, bundle_path: Path) -> None:
    """A service that stops is said quietly; when one is back on the port, the page goes on by itself."""
    complaints.expect("net::ERR")
    complaints.expect("status of 503")
    banner = page.locator("#banner")
    with serving(bundle_path) as first:
        open_page(page, first)
        explained(page)
        expect(banner).to_be_hidden()
    type_value(page, "Bill length", "49.5")
    expect(banner).to_contain_text("does not answer")
    expect(answer(page)).to_have_text("Adelie")
    with serving(bundle_path, PORT=str(first.port)):
        expect(answer(page)).to_have_text("Chinstrap")
        explained(page)
        expect(banner).to_be_hidden()


def test_the_page_waits_for_a_busy_service(page: Page, complaints: Complaints, bundle_path: Path) -> None:
    """A client that asks too often is told so; the page waits as long as the service says, and then goes on."""
    complaints.expect("status of 429")
    with serving(bundle_path, REQUESTS_PER_SECOND="1", BURST_REQUESTS="60") as service:
        open_page(page, service)
        explained(page)
        for step in range(60):
            type_value(page, "Bill length", f"{40 + step / 6:.2f}")
            if page.locator("#banner").is_visible():
                break
        expect(page.locator("#banner")).to_contain_text("busy")
        type_value(page, "Bill length", "49.5")
        expect(answer(page)).to_have_text("Chinstrap")


def test_a_busy_service_says_how_long(page: Page, complaints: Complaints, bundle_path: Path) -> None:
    """Retry-After is obeyed: nothing is asked before that time."""
    complaints.expect("status of 503")
    asked: list[float] = []  # the first question is refused, and all others are answered

    def refuse_once(route: Route) -> None:
        asked.append(time.monotonic())
        if len(asked) == 1:
            route.fulfill(status=503, headers={"retry-after": "2"}, body="{}", content_type="application/json")
        else:
            route.continue_()

    with serving(bundle_path) as service:
        open_page(page, service)
        explained(page)
        page.route(re.compile("/(predict|explain|health/ready)$"), refuse_once)
        page.evaluate(NOTES)
        page.get_by_role("button", name="Gentoo", exact=True).click()
        expect(answer(page)).to_have_text("Gentoo")
        assert "The service is busy. The page asks again in 2 s." in page.evaluate("notes")
    assert asked[1] - asked[0] >= 2


def test_a_new_model_is_read_again(page: Page, tmp_path: Path, key: SigningKey, release: Release) -> None:
    """When the model is swapped under the page, the page says so, reads the new contract, and keeps the bird."""
    shop = Shop(str(tmp_path / "store"), key)
    shop.release(release)
    second = relabelled(release, tmp_path / "second", key)
    shop.publish(second)
    with serving(shop.stable, APP, **shop.environment(**FAST, BUNDLE_CACHE=str(tmp_path / "cache"))) as service:
        until_ready(service)
        open_page(page, service)
        type_value(page, "Bill length", "49.5")
        expect(answer(page)).to_have_text("Chinstrap")
        expect(page.locator("#about")).to_contain_text(release.digest[:12])
        shop.promote(second)
        while service.request("GET", "/model").headers["model-version"] != second.digest:
            page.wait_for_timeout(20)
        type_value(page, "Bill length", "49.75")
        expect(page.locator("#banner")).to_contain_text("The model was replaced")
        expect(page.locator("#about")).to_contain_text(second.digest[:12])
        expect(field(page, "Bill length")).to_have_value("49.75")
        expect(answer(page)).to_have_text("Chinstrap")


def test_a_bundle_without_trees_is_said_kindly(
    page: Page, complaints: Complaints, tmp_path: Path, model_path: Path, bundle_path: Path, key: SigningKey
) -> None:
    """A bundle that cannot explain and cannot judge answers all the same, and the page says what it lacks."""
    complaints.expect("status of 501")
    bare = of_first_rounds(20, model_path, bundle_path, tmp_path, key)
    with serving(bare.directory, TRUSTED_KEYS=str(key.public)) as service:
        open_page(page, service)
        expect(answer(page)).to_have_text("Adelie")
        expect(page.locator(".ways")).to_contain_text("This model came without its trees")
        expect(page.locator(".words")).to_have_text("This model does not say which others it cannot exclude.")
        expect(page.locator(".gauge")).to_be_hidden()
