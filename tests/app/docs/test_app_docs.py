"""The interactive page, in a real browser."""

import re

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.support.service import Service

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


def test_the_page_asks_no_other_host(service: Service) -> None:
    """The page loads nothing from another host, and its policy forbids it."""
    reply = service.request("GET", "/docs")
    assert reply.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert not re.search(rb"""(src|href)\s*=\s*["'](https?:)?//""", reply.body)
