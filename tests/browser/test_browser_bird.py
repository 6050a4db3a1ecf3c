"""One bird on the page: a real browser, a real service, and a person's hands."""

import json
import math
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.birds import (
    DOUBTFUL,
    answer,
    explained,
    field,
    most_at_once,
    open_page,
    slider,
    state,
    type_value,
)
from tests.support.browsing import Complaints, opened
from tests.support.commands import EXAMPLE
from tests.support.service import Service

pytestmark = pytest.mark.browser


def test_the_example_is_an_adelie(page: Page, service: Service) -> None:
    """Whoever opens the page sees the contract's example and its answer, without a click."""
    open_page(page, service)
    expect(answer(page)).to_have_text("Adelie")
    expect(field(page, "Bill length")).to_have_value("39.1")
    expect(page).to_have_title("Adelie: Penguin species")
    expect(page.locator(".words")).to_have_text("Adelie; all others are excluded.")
    expect(page.locator(".probability")).to_have_count(3)
    expect(page.locator("#about")).to_contain_text("accuracy 0.9")


def test_the_answer_follows_a_drag(page: Page, service: Service) -> None:
    """The answer changes before the mouse is let go, one request at a time, and a drag is no step of the history."""
    open_page(page, service)
    handle = slider(page, "Bill length")
    box = handle.bounding_box()
    assert box is not None
    before = page.evaluate("history.length")
    middle = box["y"] + box["height"] / 2
    with most_at_once(page, "/predict") as most:
        page.mouse.move(box["x"] + box["width"] * 0.32, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.55, middle, steps=30)
        expect(answer(page)).to_have_text("Chinstrap")
        page.mouse.up()
        explained(page)
    assert most[-1] == 1
    assert page.evaluate("history.length") == before
    value = field(page, "Bill length").input_value()
    expect(page).to_have_url(re.compile(re.escape(f"bill_length_mm={value}&")))


def test_the_keyboard_is_enough(page: Page, complaints: Complaints, service: Service) -> None:
    """Tab reaches each field and slider, and what has the focus is seen; a decimal comma is a decimal sign."""
    complaints.expect("status of 400")  # 4 on the way to 49,5
    open_page(page, service)
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.id"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        if seen[-1] == "input-0":
            break
    assert seen[-1] == "input-0", seen
    page.keyboard.type("49,5")
    expect(answer(page)).to_have_text("Chinstrap")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(field(page, "Bill length")).to_have_value("49.6")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowDown")
    expect(field(page, "Bill length")).to_have_value("49.5")


def test_a_suggestion_fills_the_field(page: Page, complaints: Complaints, service: Service) -> None:
    """A mass in kilograms is explained beside its field, and one press of a button mends it."""
    complaints.expect("status of 400")
    open_page(page, service)
    type_value(page, "Body mass", "3,75")
    expect(answer(page)).to_have_text("No answer yet")
    expect(page.locator(".fault:visible")).to_contain_text("Body mass 3.75 is less than 1500 g, which no penguin has.")
    assert field(page, "Body mass").get_attribute("aria-invalid") == "true"
    page.get_by_role("button", name="Did you mean 3750?").click()
    expect(field(page, "Body mass")).to_have_value("3750")
    expect(field(page, "Body mass")).to_be_focused()
    expect(answer(page)).to_have_text("Adelie")
    expect(page.locator(".fault:visible")).to_have_count(0)


def test_text_that_is_no_number_is_said_kindly(page: Page, complaints: Complaints, service: Service) -> None:
    """A field that holds no number says what to type, and an empty one, too."""
    complaints.expect("status of 422")
    open_page(page, service)
    for text in ("abc", "", "1e400", "12..5"):
        type_value(page, "Bill depth", text)
        expect(page.locator(".fault:visible")).to_have_text("Type a number of mm, such as 18.7.")
    type_value(page, "Bill depth", " 18,7 ")
    expect(answer(page)).to_have_text("Adelie")


def test_each_way_leads_to_what_it_names(page: Page, service: Service) -> None:
    """The buttons that say what would change the answer lead to just that answer, at a short number."""
    open_page(page, service, DOUBTFUL)
    ways = page.locator(".way")
    explained(page)
    count = ways.count()
    assert count >= 4
    for place in range(count):
        named = ways.nth(place).locator(".way-answer").inner_text().strip()
        ways.nth(place).click()
        expect(answer(page)).to_have_text(named)
        page.go_back()
        expect(answer(page)).to_have_text("Chinstrap")
        explained(page)
        assert ways.count() == count


def test_p_values_are_counts_out_of_a_hundred(page: Page, service: Service) -> None:
    """Each species says how many of 100 unseen birds of it are as unusual, the most usual first."""
    open_page(page, service)
    explained(page)
    asked = service.request("POST", "/explain", json.dumps(EXAMPLE).encode(), {"content-type": "application/json"})
    ranked = sorted(asked.document["p_values"].items(), key=lambda each: -each[1])
    words = [f"{name} {'fewer than 1' if p < 0.01 else math.floor(100 * p + 0.5)}" for name, p in ranked]
    expect(page.locator(".usual")).to_contain_text(f"or more: {', '.join(words)}.")
    expect(page.get_by_role("heading", name="Is it usual for its species?")).to_be_visible()


def test_a_doubtful_bird_says_why(page: Page, service: Service) -> None:
    """A bird between two species is called doubtful, and the reasons stand beside the answer."""
    open_page(page, service)
    page.get_by_role("button", name="a doubtful one").click()
    expect(state(page)).to_contain_text("Doubtful")
    expect(page.locator(".words")).to_have_text(re.compile(r"; an? (Adelie|Chinstrap) cannot be excluded\.$"))
    why = page.locator(".why")
    expect(why).to_contain_text("Why is this called doubtful?")
    expect(why).to_contain_text("The model excludes one only below 5")
    expect(why).to_contain_text("Small errors of measurement can change the answer.")


def test_no_penguin_is_plain_to_see(page: Page, service: Service) -> None:
    """What is unlike all known birds is called so, with what it means and what to do."""
    open_page(page, service)
    page.get_by_role("button", name="no penguin at all").click()
    expect(state(page)).to_contain_text("Unlike any known penguin")
    expect(page.locator(".why")).to_contain_text("do not rely on this answer")
    expect(page.locator(".words")).to_contain_text("only the nearest answer")


def test_the_address_holds_the_bird(page: Page, chromium: Browser, service: Service) -> None:
    """An address that is sent to a friend shows the same bird; back and forward go from bird to bird."""
    open_page(page, service)
    page.get_by_role("button", name="Gentoo", exact=True).click()
    expect(answer(page)).to_have_text("Gentoo")
    type_value(page, "Body mass", "5123.25")
    page.wait_for_url(re.compile("body_mass_g=5123.25"))
    with opened(chromium) as other:
        open_page(other.page, service, page.url.split("#")[1])
        expect(answer(other.page)).to_have_text("Gentoo")
        expect(field(other.page, "Body mass")).to_have_value("5123.25")
    page.get_by_role("button", name="Chinstrap", exact=True).click()
    expect(answer(page)).to_have_text("Chinstrap")
    page.go_back()
    expect(field(page, "Body mass")).to_have_value("5123.25")
    expect(answer(page)).to_have_text("Gentoo")
    page.go_forward()
    expect(answer(page)).to_have_text("Chinstrap")


@pytest.mark.parametrize(
    "fragment", ["%", "a=b&=&&bill_length_mm", "bill_length_mm=NaN%00&body_mass_g=<b>", "x" * 9000]
)
def test_any_address_opens(page: Page, complaints: Complaints, service: Service, fragment: str) -> None:
    """An address that somebody broke still opens the page."""
    complaints.expect("status of 422")
    open_page(page, service, fragment)
    page.get_by_role("button", name="the example").click()
    expect(answer(page)).to_have_text("Adelie")


def test_the_answer_is_spoken_once(page: Page, service: Service) -> None:
    """The live region changes once for a drag, not at each step of it."""
    open_page(page, service)
    spoken = page.locator("#spoken")
    expect(spoken).to_contain_text("Adelie")
    page.evaluate("""() => {
        globalThis.said = [];
        const region = document.getElementById("spoken");
        new MutationObserver(() => said.push(region.textContent)).observe(region, {childList: true, subtree: true});
    }""")
    handle = slider(page, "Bill length")
    handle.focus()
    for _ in range(25):
        handle.press("PageUp")
    expect(spoken).to_contain_text("Chinstrap")
    said = page.evaluate("said")
    assert len([text for text in said if text]) == 1, said
