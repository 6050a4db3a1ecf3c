"""The page on phones and paper, in the dark, and for people who do not see it."""

import itertools
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.browser.birds import DOUBTFUL, answer, explained, field, open_page, slider
from tests.support.browsing import opened
from tests.support.service import Service

pytestmark = pytest.mark.browser

ROWS = {"clear": "", "doubtful": DOUBTFUL, "unlike": "bill_length_mm=55&flipper_length_mm=170&body_mass_g=6000"}


@pytest.mark.parametrize("width", [320, 768, 1440])
def test_nothing_is_wider_than_the_screen(chromium: Browser, service: Service, width: int) -> None:
    """No screen has to be scrolled to the side, whatever the answer."""
    with opened(chromium, viewport=ViewportSize(width=width, height=800), color_scheme="dark") as watched:
        for row in ROWS.values():
            open_page(watched.page, service, row)
            explained(watched.page)
            assert watched.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_slider_stays_under_the_finger(chromium: Browser, service: Service) -> None:
    """On a phone, an answer that turns doubtful does not move the slider that is being dragged."""
    with opened(chromium, viewport=ViewportSize(width=390, height=844), has_touch=True) as watched:
        page = watched.page
        open_page(page, service)
        handle = slider(page, "Flipper length")
        handle.scroll_into_view_if_needed()
        before = handle.evaluate("(each) => each.getBoundingClientRect().top + scrollY")
        page.get_by_role("button", name="a doubtful one").click()
        expect(page.locator(".why")).to_be_visible()
        assert handle.evaluate("(each) => each.getBoundingClientRect().top + scrollY") == before


def test_it_fits_on_one_sheet_of_paper(chromium: Browser, service: Service, tmp_path: Path) -> None:
    """On paper there are the bird's measurements and its answer, on one page."""
    with opened(chromium) as watched:
        page = watched.page
        open_page(page, service, DOUBTFUL)
        explained(page)
        page.emulate_media(media="print")
        expect(page.get_by_role("row", name="Bill length")).to_contain_text("44.2")
        expect(answer(page)).to_be_visible()
        expect(field(page, "Bill length")).not_to_be_visible()
        pdf = page.pdf(path=tmp_path / "bird.pdf", format="A4", print_background=True)
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


def test_without_scripts_there_is_a_command(chromium: Browser, service: Service) -> None:
    """Where scripts are off, the page says how to ask with curl."""
    with opened(chromium, java_script_enabled=False) as watched:
        watched.page.goto(f"http://127.0.0.1:{service.port}/")
        expect(watched.page.locator(".noscript")).to_contain_text('curl "$service/predict"')


def test_headings_are_in_order(chromium: Browser, service: Service) -> None:
    """No level of the headings is left out."""
    with opened(chromium) as watched:
        open_page(watched.page, service, DOUBTFUL)
        levels = watched.page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4')].filter((h) => h.checkVisibility()).map((h) => +h.tagName[1])"
        )
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), levels


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_of_classes_are_seen_on_the_page(chromium: Browser, service: Service, scheme: str) -> None:
    """Graphics in the colours of the classes have a contrast of 3:1 at least, and text one of 4.5:1."""
    with opened(chromium, color_scheme=scheme) as watched:
        watched.page.goto(f"http://127.0.0.1:{service.port}/")
        style = "getComputedStyle(document.documentElement)"
        names = [f"--class-{place}" for place in range(8)] + ["--paper", "--card", "--ink", "--muted", "--accent"]
        names += ["--warn", "--bad", "--good", "--warn-paper", "--bad-paper"]
        colours = {name: watched.page.evaluate(f"{style}.getPropertyValue('{name}').trim()") for name in names}
    for paper in ("--paper", "--card"):
        for name in names[:8]:
            assert contrast(colours[name], colours[paper]) >= 3, (name, paper)
        for name in ("--ink", "--muted", "--accent", "--warn", "--bad", "--good"):
            assert contrast(colours[name], colours[paper]) >= 4.5, (name, paper)
    for paper in ("--warn-paper", "--bad-paper"):
        assert contrast(colours["--ink"], colours[paper]) >= 4.5


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2), written as #fff or #ffffff."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    pairs = [each * 2 for each in digits] if len(digits) == 3 else [digits[place : place + 2] for place in (0, 2, 4)]
    parts = [int(pair, 16) / 255 for pair in pairs]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
