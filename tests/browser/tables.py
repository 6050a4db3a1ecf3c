"""What tests of the table share: birds in CSV, and the parts of the page."""

import random
from pathlib import Path

from playwright.sync_api import Locator, Page, Route, expect

from tests.support.service import Service

HEADER = "bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g"
ADELIE, GENTOO = "39.1,18.7,181,3750", "47.5,15,217,5076"
DOUBTFUL = "48.1,16.7,207,4410"
MANY = 100_000
TICKS = 20  # frames of the browser, at least, while many rows are judged
HOSTILE = {
    "quotes and lines in cells": f'note,{HEADER}\r\n"a ""b"",\r\nc",{ADELIE}\r\n"=1+1",{GENTOO}\r\n\r\n',
    "byte order mark, semicolons, decimal commas": "\ufeff"
    + f"{HEADER}\r\n{ADELIE}\r\n".replace(",", ";").replace(".", ",") * 1
    + "181;18,7;181;3750\r\n47,5;15;217;5076\r\n",
    "no end of the last line": f"{HEADER}\n{ADELIE}\n{GENTOO}",
    "a stray quote": f'{HEADER},note\n{ADELIE},5" bill\n{GENTOO},"a"b"c\n{ADELIE},x\n',
    "a quote that never closes": f'{HEADER},note\n{ADELIE},x\n{GENTOO},"never\n{ADELIE},x\n',
    "lone returns": f"{HEADER}\r{ADELIE}\r{GENTOO}\r",
    "no rows": f"{HEADER}\n",
}


def visit(page: Page, service: Service) -> None:
    page.goto(f"http://127.0.0.1:{service.port}/")
    page.locator("#table").scroll_into_view_if_needed()  # it is loaded when somebody comes near
    expect(page.locator("#table-file")).to_be_attached()


def choose(page: Page, content: str | bytes, name: str = "birds.csv") -> None:
    """Give the page a file, as the button does."""
    data = content.encode() if isinstance(content, str) else content
    page.set_input_files("#table-file", {"name": name, "mimeType": "text/csv", "buffer": data})


def status(page: Page) -> Locator:
    return page.locator(".table-status")


def lines(page: Page) -> Locator:
    return page.locator(".table-body [role=row]")


def chip(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name="Show").get_by_role("button", name=name)


def downloaded(page: Page) -> bytes:
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download the answers").click()
    return Path(coming.value.path()).read_bytes()


def scored(service: Service, body: str | bytes) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    reply = service.request("POST", "/score", data, {"content-type": "text/csv"})
    assert reply.status == 200, reply.body
    return reply.body


def some_birds(count: int, seed: int = 1) -> str:
    """Return a table of birds: most are clear, some doubtful, some faulty."""
    chance = random.Random(seed)  # noqa: S311  # birds, no secrets
    rows = [ADELIE, GENTOO, DOUBTFUL, "39.1,18.7,181,3.75", "50.1,17.9,190,3400"]
    picked = chance.choices(rows, [50, 30, 5, 2, 13], k=count)
    return f"{HEADER},who\n" + "".join(f"{row},bird {place}\n" for place, row in enumerate(picked))


def small_pieces(route: Route) -> None:
    """Serve the script with pieces of one row."""
    response = route.fetch()
    text = response.text().replace("FIRST_ROWS = 500", "FIRST_ROWS = 1").replace("PIECE_ROWS = 5_000", "PIECE_ROWS = 1")
    route.fulfill(response=response, body=text)
