"""The browser of these tests, and pages of a real service in it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browsing import Complaints, Watched, opened, running_chromium


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def watched(chromium: Browser) -> Iterator[Watched]:
    with opened(chromium) as new:
        yield new


@pytest.fixture
def page(watched: Watched) -> Page:
    """Return a new page. The test fails if anything but the test complains about it: tests/support/browsing.py."""
    return watched.page


@pytest.fixture
def complaints(watched: Watched) -> Complaints:
    """Return what is wrong with the page, so that a test can expect some of it."""
    return watched.complaints
