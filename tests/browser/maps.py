"""What tests of the decision map share: its grid, and what POST /predict says about the same rows."""

import random
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from tests.support.service import Service

PIXELS = 200
MOST_FRAME_BYTES = 100_000  # of a frame while something moves, both ways
FINEST = 256
# Collects what each frame was, from the beginning.
FRAMES = """
window.frames_ = [];
addEventListener("DOMContentLoaded", () => document.getElementById("map").addEventListener("mapframe",
  (event) => window.frames_.push(event.detail)));
"""

# Collects the requests that the page cancels.
ABORTS = """() => {
  window.aborted_ = [];
  const { fetch } = window;
  window.fetch = (url, options) => {
    options?.signal?.addEventListener("abort", () => window.aborted_.push(url));
    return fetch(url, options);
  };
}"""


def visit(page: Page, service: Service, fragment: str = "") -> None:
    """Open the page, and wait until the finest map is drawn."""
    page.add_init_script(FRAMES)
    page.goto(f"http://127.0.0.1:{service.port}/{fragment}")
    page.locator("#map").scroll_into_view_if_needed()  # it is loaded when somebody comes near
    settle(page)


def of_map(page: Page, function: str, value: object = None) -> Any:
    """Return what a function of the map's grid and this value returns."""
    return page.evaluate(f"(value) => ({function})(document.getElementById('map').map, value)", value)


def until(page: Page, function: str, value: object = None) -> None:
    """Wait until a function of the map's grid and this value is true."""
    page.wait_for_function(f"(value) => ({function})(document.getElementById('map').map, value)", arg=value)


def settle(page: Page) -> None:
    """Wait until nothing about the map is under way."""
    until(page, "(map) => map?.settled")


def pixels(page: Page, count: int, seed: int) -> list[dict[str, Any]]:
    """Return what the map says about pixels at random."""
    chance = random.Random(seed)  # noqa: S311  # pixels, no secrets
    columns, rows = of_map(page, "(map) => [map.columns, map.rows]")
    places = [[chance.randrange(columns), chance.randrange(rows)] for _ in range(count)]
    found: list[dict[str, Any]] = of_map(
        page,
        "(map, places) => places.map(([x, y]) => ({...map.at(x, y), inputs: {...map.at(x, y).inputs}}))",
        places,
    )
    return found


def assert_predicts(service: Service, cells: list[dict[str, Any]], classes: list[str], numbers: list[str]) -> None:
    """Each pixel has the answer that POST /predict gives to the same row."""
    for cell in cells:
        reply = service.predict(cell["inputs"])
        assert reply.status == 200, reply.body
        answer = reply.document
        if classes:
            assert cell["label"] == answer["prediction"]
            if cell["set"] is not None:
                assert [classes[index] for index in cell["set"]] == answer["prediction_set"]
        elif numbers:
            assert dict(zip(numbers, cell["numbers"], strict=True)) == pytest.approx(answer["prediction"], rel=1e-6)
        if cell["inDistribution"] is not None:
            assert cell["inDistribution"] == answer["in_distribution"]


def plot(page: Page) -> Locator:
    return page.locator(".map-plot")


def across(page: Page) -> Locator:
    return page.get_by_role("slider", name="Bill length (mm)", exact=True).last


def slide(page: Page, name: str, to: float, steps: int) -> None:
    """Drag the slider of an input beside the map to a share of its length."""
    slider = page.get_by_role("slider", name=f"{name}, beside the map")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    start = page.evaluate("(e) => (e.value - e.min) / (e.max - e.min)", slider.element_handle())
    page.mouse.move(box["x"] + 11 + start * (box["width"] - 22), middle)
    page.mouse.down()
    for step in range(1, steps + 1):
        page.mouse.move(box["x"] + box["width"] * (start + (to - start) * step / steps), middle)
        page.wait_for_timeout(20)
    page.mouse.up()
