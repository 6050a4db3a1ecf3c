"""The interactive page, in a real browser."""

import re
from collections.abc import Callable

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.support.apples import APPLE, Compiled
from tests.support.service import Service, serving

WAIT_S = 10


def answer(browser: webdriver.Chrome, button: str = "predict") -> str:
    """Return what the page shows after a click on a button."""
    before = browser.find_element(By.ID, "exchange").text
    browser.find_element(By.ID, button).click()
    WebDriverWait(browser, WAIT_S).until(lambda page: page.find_element(By.ID, "exchange").text != before)
    return browser.find_element(By.ID, "answer").text


def test_the_page_predicts(browser: webdriver.Chrome, service: Service) -> None:
    """A person clicks and sees the species; a wrong value shows the service's own message."""
    browser.get(f"http://127.0.0.1:{service.port}/")
    WebDriverWait(browser, WAIT_S).until(lambda page: page.find_elements(By.TAG_NAME, "button"))
    assert browser.find_element(By.TAG_NAME, "h1").text == browser.title == "Penguin species"
    shown = answer(browser)
    assert shown.startswith("Adelie")
    assert "99.99 %" in shown
    assert "Cannot be excluded: Adelie." in shown
    assert "Doubtful" not in shown
    field = browser.find_element(By.NAME, "bill_length_mm")
    field.clear()
    field.send_keys("500")
    assert "bill_length_mm 500 is more than 80 mm" in answer(browser)
    assert '"bill_length_mm":500' in browser.find_element(By.ID, "shell").text
    shown = answer(browser, "suggestion")
    assert field.get_attribute("value") == "50"
    assert "Cannot be excluded: Chinstrap" in shown
    assert "Doubtful" not in shown
    field = browser.find_element(By.NAME, "body_mass_g")
    field.clear()
    field.send_keys("6000")
    assert "Doubtful: unlike all that the model knows" in answer(browser)
    assert "POST /predict" in browser.find_element(By.ID, "operations").text
    log = browser.get_log("browser")  # type: ignore[no-untyped-call]  # selenium ships it without
    assert [entry for entry in log if "400 (Bad Request)" not in entry["message"]] == []


def test_the_page_asks_for_every_kind_of_input(browser: webdriver.Chrome, apples: Callable[[str], Compiled]) -> None:
    """A person chooses booleans and categories, may leave a value out, and sees numbers with their unit."""
    with serving(apples("number").bundle_path) as running:
        browser.get(f"http://127.0.0.1:{running.port}/docs")
        WebDriverWait(browser, WAIT_S).until(lambda page: page.find_elements(By.ID, "predict"))
        labels = [label.text.split("\n")[:2] for label in browser.find_elements(By.TAG_NAME, "label")]
        assert labels[0] == ["weight", "20\N{EN DASH}600 g"]
        assert labels[4] == ["sugar/100 g", "0\N{EN DASH}25 g, may be missing"]
        shown = answer(browser)
        expected = running.predict({**APPLE, "has stalk": False, "scab": "none"}).document
        assert shown.startswith(f"{expected['prediction']} ct")
        assert "Cannot be excluded" in shown
        Select(browser.find_element(By.NAME, "has stalk")).select_by_visible_text("true")
        Select(browser.find_element(By.NAME, "variety")).select_by_visible_text("Crab & wild")
        Select(browser.find_element(By.NAME, "scab")).select_by_visible_text("(missing)")
        browser.find_element(By.NAME, "sugar/100 g").clear()
        expected = running.predict({**APPLE, "variety": "Crab & wild", "scab": None, "sugar/100 g": None}).document
        shown = answer(browser)
        assert shown.startswith(f"{expected['prediction']} ct")
        assert "Doubtful: a value is missing" in shown
        browser.find_element(By.NAME, "weight").clear()
        assert "weight: expected a number of g, found null" in answer(browser)


@pytest.mark.parametrize("kind", ["binary", "label", "numbers"])
def test_the_page_shows_every_kind_of_answer(
    browser: webdriver.Chrome, apples: Callable[[str], Compiled], kind: str
) -> None:
    """A person sees the class, with its probabilities if there are some, or each number by its name."""
    with serving(apples(kind).bundle_path) as running:
        browser.get(f"http://127.0.0.1:{running.port}/docs")
        WebDriverWait(browser, WAIT_S).until(lambda page: page.find_elements(By.ID, "predict"))
        shown = answer(browser).split("\n")
        expected = running.predict({**APPLE, "has stalk": False, "scab": "none"}).document
        if kind == "numbers":
            found = [line for line in shown if not line.startswith("Cannot")]
            assert found == [f"{name}: {number} ct" for name, number in expected["prediction"].items()]
        else:
            assert shown[0] == expected["taste"]
            assert len(browser.find_elements(By.CLASS_NAME, "row")) == len(expected.get("probabilities", ()))
        log = browser.get_log("browser")  # type: ignore[no-untyped-call]  # selenium ships it without
        assert [entry for entry in log if "422 (Unprocessable" not in entry["message"]] == []


def test_the_page_asks_no_other_host(service: Service) -> None:
    """The page loads nothing from another host, and its policy forbids it."""
    reply = service.request("GET", "/docs")
    assert reply.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert not re.search(rb"""(src|href)\s*=\s*["'](https?:)?//""", reply.body)
