"""Tables in a real browser: judged in pieces by a real service, looked through, and taken away."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.tables import (
    ADELIE,
    DOUBTFUL,
    GENTOO,
    HEADER,
    HOSTILE,
    MANY,
    TICKS,
    chip,
    choose,
    downloaded,
    lines,
    scored,
    small_pieces,
    some_birds,
    status,
    visit,
)
from tests.support.browsing import Complaints, be_busy_twice, opened
from tests.support.service import Service, serving

pytestmark = pytest.mark.browser


def test_twelve_birds_to_try(page: Page, service: Service) -> None:
    """One click shows what a table is: clear birds, doubtful ones, and two with a mistake."""
    visit(page, service)
    page.get_by_role("button", name="Try with 12 birds").click()
    expect(status(page)).to_have_text("12 birds: 8 clear, 2 doubtful and 2 faulty.")
    expect(lines(page)).to_have_count(12)
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "13")
    expect(lines(page).nth(10)).to_contain_text("looks like kilograms")


def test_a_pasted_table_is_judged(page: Page, service: Service) -> None:
    """A table of a spreadsheet comes with tabs. A single cell that is pasted is just text."""
    visit(page, service)
    page.evaluate("(text) => navigator.clipboard.writeText(text)", f"{HEADER}\n{ADELIE}\n{GENTOO}\n".replace(",", "\t"))
    page.get_by_label("Paste a table here").focus()
    page.keyboard.press("ControlOrMeta+v")
    expect(status(page)).to_have_text("2 birds: 2 clear, 0 doubtful and 0 faulty.")
    expect(lines(page).nth(1)).to_contain_text("Gentoo")


def test_a_file_is_dropped(page: Page, service: Service) -> None:
    """A file that is dropped anywhere on the section is judged, and text that is dragged from elsewhere, too."""
    visit(page, service)
    for what in ("new File([text], 'dropped.csv')", "text"):
        page.evaluate(
            f"""(text) => {{
              const dataTransfer = new DataTransfer();
              const what = {what};
              if (typeof what === "string") dataTransfer.setData("text/plain", what);
              else dataTransfer.items.add(what);
              for (const name of ["dragover", "drop"]) {{
                const event = new DragEvent(name, {{ dataTransfer, bubbles: true, cancelable: true }});
                if (document.querySelector("#table h2").dispatchEvent(event)) throw new Error("left to the browser");
              }}
            }}""",
            f"{HEADER}\n{ADELIE}\n",
        )
        expect(status(page)).to_have_text("1 bird: 1 clear, 0 doubtful and 0 faulty.")
        page.get_by_role("button", name="Try with 12").click()
        expect(status(page)).to_contain_text("12 birds")


def test_filters_show_what_they_count(page: Page, service: Service) -> None:
    """Doubtful are those with more than one species in the set, or unlike any bird; faulty those without an answer."""
    visit(page, service)
    choose(page, f"{HEADER}\n{ADELIE}\n{DOUBTFUL}\n79,29,121,8900\nx,18.7,181,3750\n39.1,18.7,181\n")
    expect(status(page)).to_have_text("5 birds: 1 clear, 2 doubtful and 2 faulty.")
    for name, count in (("Doubtful", 2), ("Faulty", 2), ("Clear", 1), ("All", 5)):
        expect(chip(page, name)).to_contain_text(str(count))
        chip(page, name).click()
        expect(chip(page, name)).to_have_attribute("aria-pressed", "true")
        expect(lines(page)).to_have_count(count)
    chip(page, "Doubtful").click()
    expect(lines(page).nth(0)).to_contain_text("cannot be excluded")
    expect(lines(page).nth(1)).to_contain_text("unlike any known penguin")
    chip(page, "Faulty").click()
    expect(lines(page).nth(1)).to_contain_text("expected 4 cells")


def test_a_row_becomes_the_current_bird(page: Page, service: Service) -> None:
    """A click shows the row as the bird above and on the map, and a button leads back. Enter does the same."""
    visit(page, service)
    choose(page, f"{HEADER}\n{ADELIE}\n{GENTOO}\n50.1,17.9,190,3400\n")
    lines(page).nth(1).click()
    expect(page).to_have_title("Gentoo: Penguin species")
    page.wait_for_function("() => document.getElementById('map').map?.at(0, 0).inputs.body_mass_g === 5076")
    back = page.get_by_role("button", name="Back to row 2")
    back.click()
    expect(back).to_be_hidden()
    expect(page.get_by_role("grid")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Chinstrap: Penguin species")
    expect(page.locator("[role=row][aria-selected=true]")).to_contain_text("50.1")


def test_the_download_is_what_the_service_answers(page: Page, service: Service) -> None:
    """In pieces or not, the answers have the same bytes as those of one POST /score."""
    visit(page, service)
    table = some_birds(12_000)
    choose(page, table, "ringed.csv")
    expect(status(page)).to_contain_text("12\u202f000 birds")
    assert downloaded(page) == scored(service, table)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tables_come_back_whole(page: Page, service: Service, name: str) -> None:
    """However a table is written, the page cuts it between rows, and its answers are those of one POST /score."""
    page.route("**/table_run.js", small_pieces)  # of one row each: the cuts come everywhere
    visit(page, service)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/score") else None)
    choose(page, HOSTILE[name])
    expected = scored(service, HOSTILE[name])
    if name == "no rows":
        expect(status(page)).to_have_text("The table has a header, but no rows.")
        return
    expect(status(page)).to_contain_text("clear")
    assert downloaded(page) == expected
    assert len(asked) > 1
    delimiter = ";" if "semicolons" in name else ","
    rows = list(csv.reader(io.StringIO(expected.decode("utf-8-sig"), newline=""), delimiter=delimiter))
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(len(rows)))


def test_cells_are_text_for_ever(page: Page, service: Service) -> None:
    """Markup and formulas in headers and cells are shown as they are, and nothing of them runs."""
    visit(page, service)
    evil = "<img src=x onerror=alert(1)>"
    choose(page, f"{evil},{HEADER}\n<script>alert(2)</script>,{ADELIE}\n=HYPERLINK(1),{GENTOO}\n")
    expect(lines(page).nth(0)).to_contain_text("<script>alert(2)</script>")
    expect(page.get_by_role("columnheader").nth(3)).to_have_text(evil)
    expect(lines(page).nth(1)).to_contain_text("=HYPERLINK(1)")
    assert page.locator("#table img, #table script").count() == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("beak,mass\n1,2\n", "expected a column bill_length_mm, found none"),
        (f"{HEADER.replace('bill_length_mm', 'bill_lenght_mm')}\n{ADELIE}\n", "did you mean bill_length_mm?"),
        (f"{HEADER}\n{ADELIE}\n".encode("utf-16"), "save the file as UTF-8"),
        (f"{HEADER},é\n{ADELIE},x\n".encode("latin-1"), "ine 1: expected UTF-8"),
        ("", "It is empty"),
        (b"PK\x03\x04" + bytes(99), "Save the sheet as"),
    ],
)
def test_what_is_no_table_is_refused_kindly(
    page: Page, complaints: Complaints, service: Service, content: str | bytes, words: str
) -> None:
    """The page says what is wrong, in the service's words, and offers a template with the right header."""
    complaints.expect("status of 422")
    visit(page, service)
    choose(page, content)
    refusal = page.locator(".table-refusal")
    expect(refusal).to_contain_text(words)
    expect(page.locator(".table-results")).to_be_hidden()
    with page.expect_download() as coming:
        refusal.get_by_role("button", name="Template").click()
    header, example = Path(coming.value.path()).read_text().splitlines()
    assert header == HEADER
    assert example == ADELIE


def test_a_bad_byte_far_down_is_named_by_its_line(page: Page, complaints: Complaints, service: Service) -> None:
    """The line is that of the file, though the piece that has it begins elsewhere. The rows before it stay."""
    complaints.expect("status of 422")
    visit(page, service)
    choose(page, f"{HEADER}\n".encode() + f"{ADELIE}\n".encode() * 7_000 + b"\xff\n")
    expect(page.locator(".table-refusal")).to_contain_text("Line 7002: expected UTF-8")
    expect(chip(page, "All")).to_contain_text("5500")


def test_many_rows_do_not_freeze_the_page(page: Page, service: Service) -> None:
    """While 100,000 rows are judged, the browser draws; all are there, the last too, and few are in the document."""
    visit(page, service)
    page.evaluate(
        "() => { window.ticks_ = 0; const tick = () => { window.ticks_++; requestAnimationFrame(tick) }; tick() }"
    )
    table = some_birds(MANY)
    before = page.evaluate("ticks_")
    choose(page, table)
    expect(status(page)).to_contain_text("100\u202f000 birds", timeout=60_000)
    assert page.evaluate("ticks_") - before >= TICKS
    grid = page.get_by_role("grid")
    expect(grid).to_have_attribute("aria-rowcount", str(MANY + 1))
    assert lines(page).count() < 60
    grid.focus()
    page.keyboard.press("End")
    expect(lines(page).last).to_contain_text(f"bird {MANY - 1}")
    expect(lines(page).last).to_have_attribute("aria-rowindex", str(MANY + 1))
    chip(page, "Faulty").click()
    faulty = table.count(",3.75,")
    expect(grid).to_have_attribute("aria-rowcount", str(faulty + 1))
    page.keyboard.press("Tab")


def test_a_run_is_cancelled(page: Page, service: Service) -> None:
    """After Cancel nothing more is asked, and what is judged so far can be looked at and downloaded."""
    visit(page, service)
    held: list[Route] = []
    asked: list[str] = []

    def hold(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) < 3:
            route.continue_()
        else:
            held.append(route)

    page.route("**/score", hold)
    choose(page, some_birds(20_000))
    expect(chip(page, "All")).to_contain_text("5500")
    page.get_by_role("button", name="Cancel").click()
    expect(status(page)).to_contain_text("Cancelled. 5500 birds")
    expect(status(page)).to_contain_text("so far")
    page.wait_for_timeout(300)
    assert len(asked) == 3
    assert downloaded(page).count(b"\n") == 5_501


def test_a_busy_service_is_waited_for(page: Page, complaints: Complaints, service: Service) -> None:
    """A 503 with Retry-After delays a table, and loses none of it."""
    complaints.expect("status of 503")
    visit(page, service)
    be_busy_twice(page, "**/score", {"detail": "busy"})
    choose(page, some_birds(600))
    expect(page.locator(".table-count")).to_have_text("The service is busy. It goes on in 1 s.")
    expect(status(page)).to_contain_text("600 birds")


def test_pieces_that_are_too_large_are_cut(page: Page, complaints: Complaints, service: Service) -> None:
    """If the service takes less at once, the page sends less at once."""
    complaints.expect("status of 413")
    visit(page, service)

    def small(route: Route) -> None:
        asked: Any = route.request.headers.get("content-length")
        data = route.request.post_data_buffer
        size = len(data) if data else int(asked or 0)
        if size > 40_000 or (size == 0 and not small_seen):
            small_seen.append(1)
            route.fulfill(status=413, body=msgspec.json.encode({"detail": "too large"}))
        else:
            route.continue_()

    small_seen: list[int] = []
    page.route("**/score", small)
    table = some_birds(4_000)
    choose(page, table)
    expect(status(page)).to_contain_text("4000 birds")
    assert small_seen
    assert downloaded(page) == scored(service, table)


def test_the_table_of_a_foreign_model(chromium: Browser, apples_of: Callable[[str], Path]) -> None:
    """Categories, booleans and missing values of another model's table become the current row."""
    with serving(apples_of("numbers")) as running, opened(chromium) as watched:
        page = watched.page
        visit(page, running)
        choose(page, "weight,seeds,has stalk,variety,sugar/100 g,scab\n150,5,TRUE,Crab & wild,NA,\n1,2,3,4,5,6\n")
        expect(status(page)).to_have_text("2 apples: 1 clear, 0 doubtful and 1 faulty.")
        lines(page).nth(0).click()
        names = ["has stalk", "variety", "sugar/100 g", "scab"]
        page.wait_for_function(
            "([names, values]) => document.getElementById('map').map?.settled &&"
            " JSON.stringify(names.map((name) => document.getElementById('map').map.at(0, 0).inputs[name])) === values",
            arg=[names, '[true,"Crab & wild",null,null]'],
        )
