"""The decision map of a real service in a real browser: it is POST /predict for every pixel, and it can be moved."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.browser.maps import (
    ABORTS,
    FINEST,
    MOST_FRAME_BYTES,
    PIXELS,
    across,
    assert_predicts,
    of_map,
    pixels,
    plot,
    settle,
    slide,
    until,
    visit,
)
from tests.support.browsing import be_busy_twice, opened
from tests.support.service import Service, serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def apples(apples_of: Callable[[str], Path]) -> Iterator[Service]:
    """Serve a model with categories, whose answer is a class."""
    with serving(apples_of("classes")) as running:
        yield running


def test_the_map_is_predict_for_every_pixel(page: Page, service: Service) -> None:
    """At 200 random pixels, label, set and in_distribution are those of POST /predict for the same values."""
    visit(page, service)
    cells = pixels(page, PIXELS, 1)
    assert len({tuple(cell["inputs"].values()) for cell in cells}) > PIXELS * 0.9
    assert_predicts(service, cells, ["Gentoo", "Chinstrap", "Adelie"], [])
    assert any(len(cell["set"]) > 1 for cell in cells)
    assert {cell["inDistribution"] for cell in cells} == {True, False}
    expect(page.locator(".map-timing")).to_contain_text("65\u202f536 predictions in")


def test_the_map_of_a_model_with_categories(page: Page, apples: Service) -> None:
    """Each input is a tensor of its own; a whole number on an axis has whole values; what may be missing may be."""
    visit(page, apples, "#weight=150&seeds=5&has%20stalk=true&variety=Crab%20%26%20wild&sugar%2F100%20g=&scab=")
    cells = pixels(page, PIXELS // 4, 2)
    assert_predicts(apples, cells, ["juice", "table", "cider"], [])
    assert {cell["inputs"]["variety"] for cell in cells} == {"Crab & wild"}
    assert all(cell["inputs"]["sugar/100 g"] is None for cell in cells)
    assert all(float(cell["inputs"]["seeds"]).is_integer() for cell in cells)
    page.locator(".map-side").get_by_label("Variety, beside the map").select_option(label="Boskoop")
    until(page, "(map) => map.at(0, 0).inputs.variety === 'Boskoop'")
    settle(page)
    assert_predicts(apples, pixels(page, PIXELS // 8, 3), ["juice", "table", "cider"], [])


def test_the_map_of_a_model_with_numbers(chromium: Browser, apples_of: Callable[[str], Path]) -> None:
    """Numbers have a scale of colours; of several, a person chooses which one is shown."""
    with serving(apples_of("numbers")) as running, opened(chromium) as watched:
        visit(watched.page, running)
        assert_predicts(running, pixels(watched.page, PIXELS // 8, 4), [], ["low", "middle", "high"])
        before = watched.page.locator(".map-scale-ticks").text_content()
        watched.page.get_by_role("combobox", name="Show").select_option(label="high")
        expect(watched.page.locator(".map-scale-ticks")).not_to_have_text(before or "")
        expect(watched.page.locator(".map-legend li")).to_have_count(0)


def test_the_mark_is_dragged(page: Page, service: Service) -> None:
    """Dragging the mark moves the values of both inputs, and asks for no map: it is the same one."""
    visit(page, service)
    frames = page.evaluate("frames_.length")
    plot(page).scroll_into_view_if_needed()
    box = page.locator(".map-handle").bounding_box()
    whole = plot(page).bounding_box()
    assert box
    assert whole
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(box["x"] + 20 * step, box["y"] + 10 * step)
    page.mouse.move(whole["x"] + whole["width"] / 2, whole["y"] + whole["height"] / 2)
    page.mouse.up()
    length, depth = (
        page.get_by_role("spinbutton", name=name).or_(page.get_by_role("textbox", name=name)).first
        for name in ("Bill length", "Bill depth")
    )
    low, high = (float(across(page).get_attribute(end) or "nan") for end in ("min", "max"))
    assert float(length.input_value()) == pytest.approx((low + high) / 2, abs=(high - low) / 100)
    assert float(depth.input_value()) != 18.7
    assert page.evaluate("frames_.length") == frames
    page.wait_for_function("() => location.hash")


def test_a_finger_brings_the_mark(chromium: Browser, service: Service) -> None:
    """A tap brings the mark. A finger that starts elsewhere than on the mark can scroll the page."""
    with opened(chromium, has_touch=True, viewport={"width": 390, "height": 844}) as watched:
        visit(watched.page, service)
        plot(watched.page).scroll_into_view_if_needed()
        box = plot(watched.page).bounding_box()
        assert box
        watched.page.touchscreen.tap(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
        low, high = (float(across(watched.page).get_attribute(end) or "nan") for end in ("min", "max"))
        expected = pytest.approx(low + 0.75 * (high - low), abs=(high - low) / 100)
        assert float(across(watched.page).input_value()) == expected
        assert plot(watched.page).evaluate("(plot) => getComputedStyle(plot).touchAction") == "pan-x pan-y"


def test_the_mark_is_moved_by_the_keyboard(page: Page, service: Service) -> None:
    """Left and right move along one axis, up and down along the other, whichever of the two sliders has the focus."""
    visit(page, service)
    sliders = page.locator(".map-slider")
    before = [float(sliders.nth(place).input_value()) for place in (0, 1)]
    sliders.first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "PageDown", "Shift+ArrowRight"):
        page.keyboard.press(key)
    after = [float(sliders.nth(place).input_value()) for place in (0, 1)]
    assert after[0] > before[0] + 1
    assert after[1] != before[1]
    assert sliders.first.get_attribute("aria-valuetext") == f"{after[0]:g}\u00a0mm"
    page.keyboard.press("Home")
    assert float(sliders.first.input_value()) == float(sliders.first.get_attribute("min") or "nan")


def test_frames_are_small_while_something_moves(page: Page, service: Service) -> None:
    """A frame moves at most 100 kB both ways, counted by the browser, until the finest one follows at rest."""
    visit(page, service)
    sizes: list[int] = []

    def count(request: Request) -> None:
        if request.url.endswith("/infer"):
            size = request.sizes()
            sizes.append(
                sum(
                    map(
                        int,
                        (
                            size["requestBodySize"],
                            size["requestHeadersSize"],
                            size["responseBodySize"],
                            size["responseHeadersSize"],
                        ),
                    )
                )
            )

    page.on("requestfinished", count)
    known = page.evaluate("frames_.length")
    slide(page, "Flipper length (mm)", 0.9, 25)
    flipper = float(page.get_by_role("slider", name="Flipper length (mm), beside the map").input_value())
    until(page, "(map, mm) => map.settled && map.at(0, 0).inputs.flipper_length_mm === mm", flipper)
    frames = page.evaluate("frames_").copy()[known:]
    moving = [frame for frame in frames if not frame["final"]]
    assert len(moving) >= 2
    assert all(frame["bytes"] <= MOST_FRAME_BYTES for frame in moving)
    assert frames[-1] | {"milliseconds": 0, "bytes": 0} == {
        "columns": FINEST,
        "rows": FINEST,
        "final": True,
        "milliseconds": 0,
        "bytes": 0,
    }
    page.wait_for_timeout(100)
    small = [size for size in sizes if size < FINEST * FINEST]
    assert len(small) >= len(moving)
    assert max(small) <= MOST_FRAME_BYTES
    assert page.evaluate("performance.getEntriesByName('map-frame').length") == known + len(frames)
    settle(page)
    assert_predicts(service, pixels(page, 20, 5), ["Gentoo", "Chinstrap", "Adelie"], [])


def test_old_frames_are_cancelled(page: Page, service: Service) -> None:
    """The finest frame is cancelled when something moves, and what is drawn in the end is the newest."""
    visit(page, service)
    page.evaluate(ABORTS)
    held = [True]  # no answer comes until something moves again
    page.route("**/infer", lambda route: None if held else route.continue_())
    slider = page.get_by_role("slider", name="Body mass (g), beside the map")
    slider.focus()
    page.keyboard.press("PageUp")
    page.wait_for_timeout(600)
    held.clear()
    page.keyboard.press("PageUp")
    page.keyboard.press("PageUp")
    value = float(slider.input_value())
    until(page, "(map, mass) => map.settled && map.at(0, 0).inputs.body_mass_g === mass", value)
    assert page.evaluate("aborted_.length") >= 2  # the small frame and the finest one
    assert_predicts(service, pixels(page, 20, 6), ["Gentoo", "Chinstrap", "Adelie"], [])


def test_known_rows_are_marks(page: Page, service: Service) -> None:
    """The rows that the owner published are read once, and their marks can be taken away."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/model/rows") else None)
    visit(page, service)
    expect(page.locator(".map-legend")).to_contain_text("342 birds whose species is known")
    with_marks = page.locator(".map-overlay").evaluate("(canvas) => canvas.toDataURL()")
    page.get_by_label("Known birds").uncheck()
    expect(page.locator(".map-legend")).not_to_contain_text("known;")
    page.wait_for_timeout(100)
    assert page.locator(".map-overlay").evaluate("(canvas) => canvas.toDataURL()") != with_marks
    assert len(asked) == 1


def test_a_model_without_known_rows_has_no_marks(page: Page, apples: Service) -> None:
    """The page asks for no rows that are not there, so nothing fails in its console."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/model/rows") else None)
    visit(page, apples)
    expect(page.get_by_label("Known apples")).to_be_hidden()
    assert not asked


def test_axes_are_chosen(page: Page, service: Service) -> None:
    """An input that is on the other axis changes places with it; the whole range shows what the contract allows."""
    visit(page, service)
    page.get_by_role("combobox", name="Across").select_option(label="Bill depth (mm)")
    expect(page.get_by_role("combobox", name="Up").locator("option:checked")).to_have_text("Bill length (mm)")
    page.get_by_role("combobox", name="Across").select_option(label="Body mass (g)")
    page.get_by_label("Whole range").check()
    until(page, "(map) => map.settled && map.x === 'body_mass_g' && map.at(255, 0).inputs.body_mass_g > 8900")
    assert_predicts(service, pixels(page, 20, 7), ["Gentoo", "Chinstrap", "Adelie"], [])


def test_a_value_beyond_the_map_widens_it(page: Page, service: Service) -> None:
    """The mark is always on the map: an unusual value shows the whole range. An impossible one keeps the last map."""
    visit(page, service, "#bill_length_mm=75&bill_depth_mm=18&flipper_length_mm=181&body_mass_g=3750")
    expect(page.get_by_label("Whole range")).to_be_checked()
    low, high = of_map(page, "(map) => [0, 255].map((column) => map.at(column, 0).inputs.bill_length_mm)")
    assert low == pytest.approx(20, abs=0.2)
    assert high == pytest.approx(80, abs=0.2)


def test_a_busy_service_is_asked_again(page: Page, complaints: Any, service: Service) -> None:
    """A 503 is told, the last map stays, and the next attempt comes after Retry-After."""
    complaints.expect("status of 503")
    visit(page, service)
    be_busy_twice(page, "**/infer", {"error": "busy"})
    slider = page.get_by_role("slider", name="Body mass (g), beside the map")
    slider.focus()
    page.keyboard.press("PageUp")
    expect(page.locator(".map-notice")).to_contain_text("The service is busy")
    value = float(slider.input_value())
    until(page, "(map, mass) => map.settled && map.at(0, 0).inputs.body_mass_g === mass", value)
    expect(page.locator(".map-notice")).to_be_empty()
