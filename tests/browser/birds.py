"""What tests do on the page: open it, read the answer, set a value."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Page, Request, expect

from tests.support.browsing import WAIT_MS
from tests.support.service import Service

expect.set_options(timeout=WAIT_MS)  # as for all that a test waits for

DOUBTFUL = "bill_length_mm=44.2&bill_depth_mm=18.3&flipper_length_mm=193&body_mass_g=3725"


def open_page(page: Page, service: Service, fragment: str = "") -> None:
    """Open the page with a row in its address, and wait for its answer."""
    page.goto(f"http://127.0.0.1:{service.port}/#{fragment}")
    expect(page.locator("#answer")).not_to_be_empty()


def answer(page: Page) -> Locator:
    """Return the large name of the answer."""
    return page.locator("#answer")


def state(page: Page) -> Locator:
    """Return the words Clear, Doubtful or Unlike."""
    return page.locator(".state")


def field(page: Page, label: str) -> Locator:
    """Return the number field of an input."""
    return page.locator("#bird").get_by_label(label, exact=True)  # the map has sliders of these names, too


def slider(page: Page, label: str) -> Locator:
    """Return the slider of an input."""
    return page.locator("#bird").get_by_label(f"{label}, slider")


def type_value(page: Page, label: str, text: str) -> None:
    """Type a value as a person does."""
    field(page, label).fill(text)
    field(page, label).press("Enter")


def explained(page: Page) -> None:
    """Wait until the explanation is of the row on the screen."""
    expect(page.locator(".ways h3")).to_be_visible()
    expect(page.locator(".reasons")).not_to_have_class(re.compile("stale"))


@contextmanager
def most_at_once(page: Page, path: str) -> Iterator[list[int]]:
    """Count the requests to a path that are under way. The list's last number is the most at once."""
    under_way: set[Request] = set()
    most = [0]

    def began(request: Request) -> None:
        if request.url.endswith(path):
            under_way.add(request)
            most.append(max(most[-1], len(under_way)))

    page.on("request", began)
    page.on("requestfinished", lambda request: under_way.discard(request))
    page.on("requestfailed", lambda request: under_way.discard(request))
    yield most
