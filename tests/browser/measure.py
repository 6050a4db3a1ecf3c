"""`make bench-page`: what the pages cost in a real browser; the table goes into docs/page.md.

First paint and bytes are those of Chromium's own clock and network log, with an empty cache and with a full one. The
map's frames are those that it reports itself (`map-frame`), while a slider is dragged.
"""

import re
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, ViewportSize

from benchmarks.machine import ROOT, heading
from contract.files import write_atomically
from tests.support.browsing import opened, running_chromium
from tests.support.service import Service, serving

DOCUMENT = ROOT / "docs/page.md"
TABLE = re.compile(r"(?<=<!-- make bench-page -->\n).*(?=<!-- end -->)", re.DOTALL)
BUNDLE = ROOT / "artifacts/bundle"
LOADS = 7  # of each page
DRAG_SECONDS, MOVES_PER_SECOND = 5.0, 60
SCREEN = ViewportSize(width=1280, height=900)
SHOWN = {"/": "#answer:not(:empty)", "/docs": "#predict form"}  # what a person came for
SLIDER = ".map-range:visible"  # of an input that is not on an axis: it changes the map's pixels
PAINTS = "performance.getEntriesByType('paint').map(({ name, startTime }) => [name, startTime])"
FRAMES = "performance.getEntriesByName('map-frame').map(({ duration, detail }) => ({ duration, ...detail }))"
SETTLED = "performance.getEntriesByName('map-frame').some(({ detail }) => detail.final)"


class Load(NamedTuple):
    """One visit of a page: milliseconds until the first paint and until its content, bytes and number of its files.

    The bytes are those on the network, headers included. `data_bytes` is what it then asks of the model.
    """

    paint_ms: float
    shown_ms: float
    file_bytes: float
    files: float
    data_bytes: float


class Drag(NamedTuple):
    """The map's frames while a slider was dragged, and the one at rest."""

    frames_per_second: float
    median_ms: float
    slowest_twentieth_ms: float
    largest_bytes: int
    rest_ms: float
    rest_rows: int


class Network:
    """What comes over the network: the address and the bytes of each answer, headers included."""

    def __init__(self, page: Page) -> None:
        self.received: list[tuple[str, int]] = []
        self._addresses: dict[str, str] = {}
        self._session = page.context.new_cdp_session(page)
        self._session.on("Network.responseReceived", self._begun)
        self._session.on("Network.loadingFinished", self._ended)
        self._session.send("Network.enable")

    def _begun(self, event: dict[str, Any]) -> None:
        self._addresses[event["requestId"]] = event["response"]["url"]

    def _ended(self, event: dict[str, Any]) -> None:
        address = self._addresses.get(event["requestId"], "data:")
        if not address.startswith("data:"):
            self.received.append((address, int(event["encodedDataLength"])))

    def sizes(self, *, files: bool, path: str) -> list[int]:
        """Return the sizes of the page at `path` and its files, or of all else."""
        return [
            size
            for address, size in self.received
            if (urlsplit(address).path == path or "/static/" in address) == files
        ]


def load(page: Page, service: Service, path: str) -> Load:
    """Visit a page, and wait until it shows what a person came for."""
    page.goto("about:blank")
    network = Network(page)
    page.goto(f"http://127.0.0.1:{service.port}{path}")
    page.locator(SHOWN[path]).first.wait_for()
    shown: float = page.evaluate("performance.now()")
    page.wait_for_load_state("networkidle")
    paints: dict[str, float] = dict(page.evaluate(PAINTS))
    files, data = (network.sizes(files=each, path=path) for each in (True, False))
    return Load(paints["first-contentful-paint"], shown, sum(files), len(files), sum(data))


def loads(browser: Browser, service: Service, path: str) -> tuple[Load, Load]:
    """Return the median visit with an empty cache, and that with a full one."""
    found: tuple[list[Load], list[Load]] = ([], [])
    for _ in range(LOADS):
        with opened(browser, viewport=SCREEN) as watched:
            for visits in found:
                visits.append(load(watched.page, service, path))
    first, again = (Load(*map(median, zip(*visits, strict=True))) for visits in found)
    return first, again


def settle(page: Page) -> None:
    """Wait until the map has its last frame. Playwright's own wait needs eval, which the page's policy forbids."""
    while not page.evaluate(SETTLED):
        page.wait_for_timeout(20)


def drag(browser: Browser, service: Service) -> Drag:
    """Drag a slider that changes the map's pixels, then let it rest."""
    with opened(browser, viewport=SCREEN) as watched:
        page = watched.page
        page.goto(f"http://127.0.0.1:{service.port}/")
        page.locator("#map").scroll_into_view_if_needed()  # it is loaded when somebody comes near
        slider = page.locator(SLIDER).first
        slider.scroll_into_view_if_needed()
        settle(page)
        box = slider.bounding_box()
        assert box
        page.evaluate("performance.clearMeasures('map-frame')")
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] / 2, middle)
        page.mouse.down()
        began = time.monotonic()
        while (passed := time.monotonic() - began) < DRAG_SECONDS:
            share = abs((passed % 2) - 1)  # to and fro, a second each way
            page.mouse.move(box["x"] + box["width"] * (0.1 + 0.8 * share), middle)
            page.wait_for_timeout(1000 / MOVES_PER_SECOND)
        page.mouse.up()
        moving = [frame for frame in page.evaluate(FRAMES) if not frame["final"]]
        settle(page)
        (rest, *_) = [frame for frame in page.evaluate(FRAMES) if frame["final"]]
    return summary(moving, rest, passed)


def summary(moving: list[dict[str, Any]], rest: dict[str, Any], seconds: float) -> Drag:
    """Return the figures of a drag."""
    times = sorted(frame["duration"] for frame in moving)
    slow = times[len(times) * 19 // 20]
    largest = max(frame["bytes"] for frame in moving)
    return Drag(len(moving) / seconds, median(times), slow, largest, rest["duration"], rest["columns"] * rest["rows"])


def table(pages: dict[str, tuple[Load, Load]], dragged: Drag, browser: Browser) -> str:
    """Return the figures in Markdown."""
    lines = heading("", "make bench-page", ("playwright",))[2:]
    lines += [f"Chromium {browser.version}, software rendering; medians of {LOADS} visits.", ""]
    lines += ["| page | cache | first paint | content | its files | bytes | data |", "|---|---|--:|--:|--:|--:|--:|"]
    for path, both in pages.items():
        for cache, each in zip(("empty", "full"), both, strict=True):
            times = f"{each.paint_ms:.0f} ms | {each.shown_ms:.0f} ms"
            counts = f"{each.files:g} | {each.file_bytes:,.0f} | {each.data_bytes:,.0f}"
            lines.append(f"| `GET {path}` | {cache} | {times} | {counts} |")
    rest = f"{dragged.rest_ms:.0f} ms for {dragged.rest_rows:,} predictions"
    lines += ["", "| the decision map | |", "|---|--:|"]
    lines += [f"| frames a second while a slider is dragged | {dragged.frames_per_second:.1f} |"]
    lines += [
        f"| a frame, from request to paint | {dragged.median_ms:.0f} ms; 95 % within "
        f"{dragged.slowest_twentieth_ms:.0f} ms |"
    ]
    lines += [f"| bytes of the largest such frame | {dragged.largest_bytes:,} |", f"| at rest | {rest} |", ""]
    return "\n".join(lines)


def main(out: Path) -> None:
    """Measure, and put the table into the document."""
    with serving(BUNDLE) as service, running_chromium() as browser:
        pages = {path: loads(browser, service, path) for path in SHOWN}
        text = table(pages, drag(browser, service), browser)
    print(text)
    document = TABLE.sub(lambda _: text, DOCUMENT.read_text(encoding="utf-8"))
    write_atomically(out, document.encode())
    print(f"wrote {out}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCUMENT)
