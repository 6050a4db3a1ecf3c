"""Take it with you: each program of the page is run, and answers as the page does."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.birds import DOUBTFUL, answer, open_page
from tests.support.service import Service

pytestmark = pytest.mark.browser


def program(page: Page, language: str) -> str:
    """Choose a language, press the button that copies, and return what is on the clipboard then."""
    page.get_by_role("button", name=language, exact=True).click()
    page.get_by_role("button", name="Copy the program").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied: str = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#take code").text_content()
    return copied


def printed(*command: str, text: str | None = None) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, input=text, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_curl_asks_about_the_bird_on_the_screen(page: Page, service: Service) -> None:
    open_page(page, service, DOUBTFUL)
    found = json.loads(printed("sh", text=program(page, "curl")))
    expect(answer(page)).to_have_text(found["species"])
    assert found["prediction_set"] == ["Chinstrap", "Adelie"]


def test_python_asks_about_the_bird_on_the_screen(page: Page, service: Service) -> None:
    open_page(page, service, DOUBTFUL)
    found = printed(sys.executable, "-I", "-", text=program(page, "Python"))
    assert "'prediction_set': ['Chinstrap', 'Adelie']" in found


def test_javascript_asks_about_the_bird_on_the_screen(page: Page, service: Service, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node.js here: apt install nodejs")
    open_page(page, service, DOUBTFUL)
    script = tmp_path / "bird.mjs"
    script.write_text(program(page, "JavaScript"), encoding="utf-8")
    assert re.search(r"prediction_set: \[ 'Chinstrap', 'Adelie' \]", printed(node, str(script)))


def test_r_asks_about_the_bird_on_the_screen(page: Page, service: Service, tmp_path: Path) -> None:
    rscript = shutil.which("Rscript")
    if rscript is None:
        pytest.skip("no R here: apt install r-base r-cran-httr2 r-cran-jsonlite")
    installed = [rscript, "-e", "library(httr2); library(jsonlite)"]
    if subprocess.run(installed, capture_output=True, check=False).returncode:
        pytest.skip("R without httr2 or jsonlite: apt install r-cran-httr2 r-cran-jsonlite")
    open_page(page, service, DOUBTFUL)
    script = tmp_path / "bird.R"
    script.write_text(program(page, "R"), encoding="utf-8")
    assert json.loads(printed(rscript, str(script)))["prediction_set"] == ["Chinstrap", "Adelie"]


def test_the_link_is_the_bird(page: Page, service: Service) -> None:
    """The link that is copied opens the same bird."""
    open_page(page, service, DOUBTFUL)
    page.get_by_role("button", name="Copy a link to this bird").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"http://127.0.0.1:{service.port}/#{DOUBTFUL}"


HOSTILE = {'it\'s "x" $(id) `id` \\': "a'b\"c\\d\n%é€😀$HOME", "__proto__": 1.5, "none": None, "yes": True, "1": 2}

LAST = "last() { for each; do :; done; printf '%s' \"$each\"; }; last "
PRINTING = {  # where a program asks, it prints instead what it would send
    "curl": ("curl ", LAST),
    "Python": ("request = urllib", "print(json.dumps(row))\nraise SystemExit\nrequest = urllib"),
    "JavaScript": ("const response", "console.log(JSON.stringify(row));\nprocess.exit();\nconst response"),
}


@pytest.mark.parametrize(
    ("language", "command"), [("curl", ("sh",)), ("Python", (sys.executable, "-I", "-")), ("JavaScript", ("node", "-"))]
)
def test_any_name_and_value_is_quoted(page: Page, service: Service, language: str, command: tuple[str, ...]) -> None:
    """Names and values with quotes, dollars and backslashes arrive as they are: the programs only quote, never run."""
    if shutil.which(command[0]) is None:
        pytest.skip("no Node.js here: apt install nodejs")
    open_page(page, service)
    source: str = page.evaluate(
        """async ([language, row]) => {
            const script = document.querySelector('script[type=module]').src;
            const { snippets } = await import(script.replace("main.js", "snippets.js"));
            const parsed = Object.assign(Object.create(null), JSON.parse(row));
            return snippets("http://127.0.0.1:1/echo", parsed).find(({ name }) => name === language).text;
        }""",
        [language, json.dumps(HOSTILE)],
    )
    source = source.replace(*PRINTING[language], 1)
    assert json.loads(printed(*command, text=source)) == HOSTILE
