"""The browser of these tests, and pages of a real service in it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.apples import shared_apples
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


@pytest.fixture(scope="session")
def apples_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the function that makes the bundle of a model of apples of one kind: tests/support/apples.py."""
    return lambda kind: shared_apples(tmp_path_factory.getbasetemp(), kind).bundle_path
