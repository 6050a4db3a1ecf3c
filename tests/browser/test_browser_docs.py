"""GET /docs: every operation can be found, read and tried, with a mouse or without."""

import json
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.apples import Compiled
from tests.support.browsing import Complaints, opened
from tests.support.commands import EXAMPLE
from tests.support.service import Service, serving

pytestmark = pytest.mark.browser

STATUS = re.compile(r"^(\d{3})\b.*, [\d.]+ ms, [\d.]+ (bytes|kB)$")


def address(service: Service, anchor: str = "") -> str:
    return f"http://127.0.0.1:{service.port}/docs{anchor}"


def send(operation: Locator, body: str | None = None) -> tuple[int, str]:
    """Press Send, with another body if there is one. Return the status and the body that are shown."""
    if body is not None:
        operation.get_by_label("Body", exact=True).fill(body)
    operation.get_by_role("button", name="Send", exact=True).click()
    status = operation.locator(".status")
    expect(status).to_have_text(STATUS)
    shown = operation.get_by_label("Body of the answer")
    found = STATUS.match(status.inner_text())
    assert found
    return int(found[1]), shown.inner_text() if shown.count() else ""


def test_a_person_predicts_and_is_told_of_a_mistake(page: Page, service: Service, complaints: Complaints) -> None:
    """The example answers Adelie; a wrong value shows the service's own words, and its suggestion is one click away."""
    complaints.expect("status of 400")
    page.goto(address(service))
    expect(page).to_have_title("Penguin species: the API")
    operation = page.locator("#predict")
    status, shown = send(operation)
    assert (status, json.loads(shown)) == (200, service.predict(EXAMPLE).document)
    assert '"species": "Adelie"' in shown
    wrong = json.dumps({**EXAMPLE, "body_mass_g": 3.75})
    status, shown = send(operation, wrong)
    assert (status, json.loads(shown)) == (400, service.predict(wrong.encode()).document)
    operation.get_by_role("button", name="Send the suggested body instead").click()
    expect(operation.locator(".status")).to_have_text(re.compile("^200 "))
    assert json.loads(operation.get_by_label("Body", exact=True).input_value()) == EXAMPLE
    operation.get_by_label("Body", exact=True).fill("{")
    operation.get_by_role("button", name="Back to the example").click()
    expect(operation.get_by_label("Body", exact=True)).to_have_value(re.compile("3750"))


def test_every_operation_can_be_tried(page: Page, service: Service, complaints: Complaints) -> None:
    """Each operation of the document is on the page; its example, sent as it stands, is answered as documented."""
    complaints.expect("status of 404")  # there is no challenger, and no published rows
    document = service.request("GET", "/openapi.json").document
    page.goto(address(service))
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            operation = page.locator(f"#{described['operationId']}")
            expect(operation.locator("> summary")).to_contain_text(described["summary"])
            page.goto(address(service, f"#{described['operationId']}"))
            status, shown = send(operation)
            assert str(status) in described["responses"], (method, path)
            assert status in (200, 404)
            assert shown


def test_every_field_has_its_kind_its_bounds_and_its_words(page: Page, service: Service) -> None:
    """The tree of the body has what the schema says; nested objects open, also those that refer to others."""
    page.goto(address(service))
    schema = service.request("GET", "/openapi.json").document["components"]["schemas"]["Measurements"]
    fields = page.locator("#predict .media").first.locator(".fields > li")
    for number, (name, each) in enumerate(schema["properties"].items()):
        shown = fields.nth(number).inner_text()
        assert shown.startswith(name)
        for part in ("required", each["x-unit"], f"{each['minimum']} to {each['maximum']}", each["description"]):
            assert part in shown
    page.goto(address(service, "#model"))
    model = page.locator("#model")
    model.locator(".answer summary", has_text="200").click()
    contract = model.locator(".fields > li", has=page.locator("code", has_text=re.compile("^contract$"))).first
    contract.locator("summary").first.click()
    expect(contract.locator("code.name", has_text=re.compile("^inputs$"))).to_be_visible()
    inputs = contract.locator(".fields > li", has=page.locator("> code", has_text=re.compile("^inputs$"))).first
    inputs.locator("summary").first.click()
    expect(inputs.locator("code.name", has_text=re.compile("^minimum$"))).to_be_visible()


def test_the_command_for_a_shell_does_the_same(page: Page, service: Service) -> None:
    """What is copied is what is shown, and a shell that runs it gets the same answer, whatever quotes are in it."""
    if shutil.which("curl") is None:
        pytest.skip("no curl here: apt install curl")
    page.goto(address(service))
    operation = page.locator("#predict")
    for body in (json.dumps(EXAMPLE, indent=2), json.dumps({**EXAMPLE, "it's `$HOME` \\ \"!": "@'%0a"})):
        operation.get_by_label("Body", exact=True).fill(body)
        shell = page.get_by_label("The same from a shell")
        command = operation.get_by_label("The same from a shell")
        operation.locator(".code", has=shell).get_by_role("button").click()
        expect(operation.locator(".code", has=shell).get_by_role("button")).to_have_text("Copied")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == command.inner_text()
        ran = subprocess.run(
            ["bash", "-c", f"{copied} -s"], capture_output=True, timeout=60, check=True, stdin=subprocess.DEVNULL
        )
        assert json.loads(ran.stdout) == service.predict(body.encode()).document


def test_binary_bodies_go_both_ways(page: Page, service: Service, tmp_path: Path) -> None:
    """A file with tensors is sent as it is; of a binary answer a person sees its JSON, and can save all of it."""
    row = struct.pack("<4f", *EXAMPLE.values())
    tensor = {"name": "measurements", "datatype": "FP32", "shape": [1, 4], "parameters": {"binary_data_size": len(row)}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    (tmp_path / "row.bin").write_bytes(head + row)
    page.goto(address(service, "#infer"))
    operation = page.locator("#infer")
    operation.get_by_label("Content-Type").select_option("application/octet-stream")
    operation.get_by_label("Or a file").set_input_files(tmp_path / "row.bin")
    operation.get_by_label("Inference-Header-Content-Length").fill(str(len(head)))
    expect(operation.get_by_label("The same from a shell")).to_contain_text("--data-binary '@row.bin'")
    status, shown = send(operation)
    outputs = {output["name"]: output for output in json.loads(shown)["outputs"]}
    assert (status, outputs["probabilities"]["parameters"]) == (200, {"binary_data_size": 12})
    with page.expect_download() as download:
        operation.get_by_role("link", name="Save all of it").click()
    whole = Path(download.value.path()).read_bytes()
    expected = list(service.predict(EXAMPLE).document["probabilities"].values())
    assert list(struct.unpack_from("<3f", whole, len(whole) - 16)) == pytest.approx(expected, rel=1e-5)


def test_tables_go_both_ways(page: Page, service: Service, tmp_path: Path) -> None:
    """A table is sent as text or as a file, and comes back as what the person chooses."""
    page.goto(address(service, "#score"))
    operation = page.locator("#score")
    table = f"{','.join(EXAMPLE)}\n39.1,18.7,181,3750\n39.1,18.7,181,3.75\n".encode()
    expected = service.request("POST", "/score", table, {"content-type": "text/csv"})
    status, shown = send(operation, table.decode())
    assert (status, shown.strip()) == (200, expected.body.decode().strip().replace("\r", ""))
    (tmp_path / "birds.csv").write_bytes(table)
    operation.get_by_label("Or a file").set_input_files(tmp_path / "birds.csv")
    expect(operation.get_by_label("Body", exact=True)).to_be_disabled()
    operation.get_by_label("Accept").select_option("application/json")
    status, shown = send(operation)
    assert [row["species"] for row in json.loads(shown)] == ["Adelie", None]


def test_an_operation_is_found_and_has_an_address(page: Page, service: Service) -> None:
    """A word finds operations by path, text or field; an anchor opens one; the pages link to each other."""
    page.goto(address(service))
    all_of_them = page.locator("details.operation:visible").count()
    page.get_by_label("Find an operation or a field").fill("flipper")
    expect(page.locator("#found")).to_have_text(re.compile(rf"^\d+ of {all_of_them} operations$"))
    assert 1 <= page.locator("details.operation:visible").count() < all_of_them
    page.get_by_label("Find an operation or a field").fill("no such thing")
    expect(page.locator("details.operation:visible")).to_have_count(0)
    page.get_by_label("Find an operation or a field").fill("")
    page.get_by_role("navigation").get_by_role("link", name="/challenger").click()
    expect(page).to_have_url(re.compile("#challenger$"))
    expect(page.locator("#challenger")).to_have_attribute("open", "")
    expect(page.locator("#challenger > summary")).to_be_focused()
    page.get_by_role("link", name="The page to try the model").click()
    expect(page).to_have_url(f"http://127.0.0.1:{service.port}/")
    page.locator('a[href="docs"]').first.click()
    expect(page).to_have_url(address(service))


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until this element has the focus."""
    for _ in range(100):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not lead to {selector}")


def test_a_keyboard_is_enough(page: Page, service: Service, complaints: Complaints) -> None:
    """Without a mouse: to the operations, open one, change its body, send it, read the answer."""
    complaints.expect("status of 422")
    page.goto(address(service))
    page.locator("#explain").wait_for()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "#explain > summary")
    page.keyboard.press("Enter")
    operation = page.locator("#explain")
    expect(operation).to_have_attribute("open", "")
    tab_to(page, "#explain textarea")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("{}")
    tab_to(page, "#explain button[type=submit]")
    page.keyboard.press("Enter")
    expect(operation.locator(".status")).to_have_text(re.compile("^422 "))
    tab_to(page, "#explain button[type=reset]")
    page.keyboard.press("Enter")
    expect(operation.locator("textarea")).to_have_value(re.compile("3750"))
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(operation.locator(".status")).to_have_text(re.compile("^200 "))


def test_a_request_can_be_cancelled(page: Page, service: Service) -> None:
    """A person who does not want to wait cancels, and the next request is answered."""
    page.goto(address(service))
    operation = page.locator("#predict")
    operation.locator("form").wait_for()
    page.evaluate("""() => {
        const button = [...document.querySelectorAll('#predict button')].find((each) => each.textContent === 'Cancel');
        document.querySelector('#predict form').requestSubmit();
        button.click();
    }""")
    expect(operation.locator(".status")).to_have_text("Cancelled.")
    assert send(operation)[0] == 200


def test_a_service_that_is_gone_is_said_to_be_gone(chromium: Browser, bundle_path: Path) -> None:
    """If the service stops under the page, the page says so, and goes on when it is back."""
    with opened(chromium) as watched:
        watched.complaints.expect("ERR_CONNECTION")
        with serving(bundle_path) as running:
            watched.page.goto(address(running))
            watched.page.locator("#predict").wait_for()
        operation = watched.page.locator("#predict")
        operation.get_by_role("button", name="Send", exact=True).click()
        expect(operation.locator(".status")).to_contain_text("Is the service running?")
        with serving(bundle_path, PORT=str(running.port)):
            assert send(operation)[0] == 200


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_the_page_of_any_model_is_its_own(chromium: Browser, apples: Callable[[str], Compiled], kind: str) -> None:
    """Every kind of input has its unit, bounds and choices; every kind of answer is shown as it was sent."""
    with serving(apples(kind).bundle_path) as running, opened(chromium) as watched:
        page = watched.page
        page.goto(address(running))
        expect(page.locator("h1")).to_have_text("Apples")
        shown = page.locator("#predict .media").first.inner_text()
        for part in ("number, g", "20 to 600", "boolean", "Boskoop, Elstar, Crab & wild"):
            assert part in shown
        assert "number or null, g" in shown
        status, answer = send(page.locator("#predict"))
        sent: dict[str, Any] = json.loads(page.locator("#predict").get_by_label("Body", exact=True).input_value())
        assert (status, json.loads(answer)) == (200, running.predict(sent).document)


@pytest.mark.parametrize("width", [320, 768, 1920])
def test_the_page_fits_every_screen(chromium: Browser, service: Service, width: int) -> None:
    """Nothing is wider than the screen, also when everything is open."""
    with opened(chromium, viewport={"width": width, "height": 700}) as watched:
        watched.page.goto(address(service))
        for name in ("predict", "explain", "model", "infer"):
            watched.page.locator(f"#{name}").evaluate("each => { each.open = true }")
        watched.page.locator("#infer form").wait_for()
        watched.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        send(watched.page.locator("#predict"))
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_schema_that_contains_itself_is_shown(page: Page, service: Service) -> None:
    """Whatever is in the document, the page ends: references in a circle, unknown ones, names of every kind."""
    page.goto(address(service))
    shown = page.evaluate("""async () => {
        const own = (name) => document.querySelector("script").src.replace("docs.js", name);
        const { schemaTree, names } = await import(own("docs-schema.js"));
        const { example } = await import(own("docs-example.js"));
        const circle = { $ref: "#/components/schemas/Circle" };
        const list = { type: "array", items: { $ref: "#/components/schemas/List" } };
        const Circle = JSON.parse('{"type":"object","properties":{"__proto__":{"const":"<b>"},"constructor":{}}}');
        Circle.properties.again = circle;
        const api = { components: { schemas: { Circle, List: list, Own: { $ref: "#/components/schemas/Own" } } } };
        const all = [circle, list, api.components.schemas.Own, { $ref: "#/nowhere" }, {}, { enum: [null, "a", 1] }];
        const text = (each) => JSON.stringify(example(api, each));
        return all.map((each) => [schemaTree(api, each).textContent, names(api, each), text(each)]);
    }""")
    assert "__proto__always <b>" in shown[0][0]
    assert shown[0][1] == ["__proto__", "constructor", "again"]
    assert shown[1][0].startswith("array of array of")
    assert shown[3][0] == "any value"
