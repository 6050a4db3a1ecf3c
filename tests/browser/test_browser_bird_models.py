"""The page of other models: it is made from their contracts."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Page, expect

from contract.manifest import encode
from contract.schema import Contract, Input, Output
from contract.uncertainty import UNCERTAINTY_FILE
from tests.browser.birds import answer, explained, field, open_page
from tests.own.trained import wide
from tests.support.apples import INPUTS, OBJECTIVES, compiled, contract_of, grown, judged_by
from tests.support.browsing import Complaints
from tests.support.commands import run_module
from tests.support.service import Service, serving

pytestmark = pytest.mark.browser

EVIL = ("<script>document.title='evil'</script>", "<img src=x onerror=\"document.title='evil'\">", "__proto__")


@pytest.fixture(scope="module")
def apples(apples_of: Callable[[str], Path]) -> Iterator[Callable[[str], Service]]:
    """Return the function that starts the service of apples of one kind."""
    with ExitStack() as stack:
        yield cache(lambda kind: stack.enter_context(serving(apples_of(kind))))


def answered(service: Service, page: Page) -> dict[str, object]:
    """Return what the service answers about the row on the screen, as the curl command of the page has it."""
    text = page.locator("#take code").text_content() or ""
    found: dict[str, object] = msgspec.json.decode(service.predict(json.loads(text.split("-d '")[1][:-2])).body)
    return found


def test_apples_of_every_kind_of_input(page: Page, apples: Callable[[str], Service]) -> None:
    """Categories, booleans, integers and missing values have fields of their own."""
    service = apples("classes")
    open_page(page, service)
    explained(page)
    expect(page.locator("h2").first).to_have_text("One apple")
    expect(answer(page)).to_have_text(str(answered(service, page)["use"]))
    expect(field(page, "Variety").locator("option")).to_have_text(["Boskoop", "Elstar", "Crab & wild"])
    field(page, "Variety").select_option("Crab & wild")
    field(page, "Has stalk").select_option("yes")
    field(page, "Scab").select_option("not given")
    field(page, "Sugar/100 g").fill("")
    page.wait_for_url("**sugar%2F100%20g=&scab=")
    page.wait_for_timeout(200)
    found = answered(service, page)
    expect(answer(page)).to_have_text(str(found["use"]))
    assert found["distance"] is None
    expect(page.locator(".gauge")).to_contain_text("Not known")


def test_a_whole_number_is_asked_for(page: Page, complaints: Complaints, apples: Callable[[str], Service]) -> None:
    """A fraction of a seed is refused at its field."""
    complaints.expect("status of 422")
    open_page(page, apples("classes"))
    field(page, "Seeds").fill("2.5")
    expect(page.locator(".fault:visible")).to_have_text("Seeds: expected an integer, found 2.5.")


def test_a_number_has_its_unit_and_its_interval(page: Page, apples: Callable[[str], Service]) -> None:
    """The answer of a regression is a number with its unit, and the range that contains the true one."""
    service = apples("number")
    open_page(page, service)
    explained(page)
    shown = answer(page).inner_text()
    assert float(shown.removesuffix("ct").replace("\N{MINUS SIGN}", "-")) == pytest.approx(
        answered(service, page)["prediction"], rel=1e-3
    )
    assert shown.endswith("ct")
    expect(page.locator(".words")).to_contain_text("The true number is between")
    before = shown
    page.locator(".way").first.click()
    expect(answer(page)).not_to_have_text(before)


def test_several_numbers_have_a_line_each(page: Page, apples: Callable[[str], Service]) -> None:
    """Several numbers are on one scale, each with its name and its interval."""
    open_page(page, apples("numbers"))
    expect(page.locator(".number-line")).to_have_count(3)
    expect(page.locator(".number-line").first).to_contain_text("low")
    expect(answer(page)).to_have_text("3 numbers")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run the service of a model whose owner has chosen the worst names."""
    directory = tmp_path_factory.mktemp("hostile")
    names = ("__proto__", "constructor", "(b>bold(/b>", "x=1&y=2")  # XGBoost takes no <
    inputs = tuple(Input(name, minimum=0, maximum=10, example=5, error=0.5) for name in names)
    evil = Contract(
        "evil",
        inputs,
        Output(classes=EVIL, label="kind"),
        title=EVIL[0],
        summary=EVIL[1],
        row="<i>row</i>",
        subject="<u>thing</u>",
    )
    grown(evil, directory / "model.json", OBJECTIVES["classes"])
    judged = judged_by("classes", contract_of("classes"), directory / "model.json")
    limits = dict.fromkeys(EVIL, 0.25)
    judged = msgspec.structs.replace(
        judged, gaussians={}, distance_limit=None, inputs=(), conformal_thresholds=limits, set_thresholds=limits
    )
    (directory / UNCERTAINTY_FILE).write_bytes(encode(judged))
    bundle = compiled(evil, directory / "model.json", directory / "bundle")
    with serving(bundle) as service:
        yield service


def test_names_are_text_for_ever(page: Page, hostile: Service) -> None:
    """Names with markup are shown as they are, and run nothing; names of JavaScript's own work like any other."""
    open_page(page, hostile)
    explained(page)
    named = str(answered(hostile, page)["kind"])
    expect(answer(page)).to_have_text(named)
    expect(page).to_have_title(f"{named}: {EVIL[0]}")
    expect(page.locator("h1")).to_have_text(EVIL[0])
    assert page.locator("main img, main script, main i, main u").count() == 0
    field(page, "Proto").fill("9")
    field(page, "Constructor").fill("1.5")
    page.wait_for_url("**__proto__=9&constructor=1.5&**")
    page.wait_for_timeout(200)
    expect(answer(page)).to_have_text(str(answered(hostile, page)["kind"]))


def test_two_thousand_inputs(page: Page, tmp_path: Path) -> None:
    """Of 2,000 inputs, those that count most are shown, and a filter finds the others."""
    own = wide(tmp_path)
    ran = run_module("compile", own.path, "--out", tmp_path / "bundle", "--one-row", "walk", "--block-from", "32")
    assert ran.returncode == 0, ran.stderr
    with serving(tmp_path / "bundle") as service:
        open_page(page, service)
        explained(page)
        expect(page.locator(".input")).to_have_count(12)
        expect(page.locator(".count")).to_contain_text("2000 inputs; 12 are shown")
        expect(page.locator(".input").first.locator("label")).to_have_text("Expression of gene 0")
        page.get_by_label("Filter").fill("gene 1999")
        expect(page.locator(".input")).to_have_count(1)
        field(page, "Expression of gene 1999").fill("2.5")
        page.wait_for_url("**#expression_of_gene_1999=2.5")
        page.reload()
        page.get_by_label("Filter").fill("gene_1999")
        expect(field(page, "Expression of gene 1999")).to_have_value("2.5")


def test_forty_classes_are_folded(page: Page, service: Service) -> None:
    """Of many classes the most probable ones are shown, and the others are one press away."""
    classes = [f"kind {place}" for place in range(40)]
    document = service.request("GET", "/model").document
    document["contract"]["output"] = {"classes": classes, "label": "species"}
    document["uncertainty"] = None
    share = {name: (place + 1) / 820 for place, name in enumerate(classes)}
    found = {"prediction": 39, "species": "kind 39", "probabilities": share}
    page.route("**/model", lambda route: route.fulfill(json=document))
    page.route("**/predict", lambda route: route.fulfill(json=found))
    open_page(page, service)
    expect(page.locator(".probability")).to_have_count(8)
    page.get_by_role("button", name="Show 32 more").click()
    expect(page.locator(".probability")).to_have_count(40)


def test_every_input_has_a_label(page: Page, apples: Callable[[str], Service]) -> None:
    """Each input of the contract has a field that is found by its name."""
    open_page(page, apples("classes"))
    for each in INPUTS:
        expect(field(page, each.name[0].upper() + each.name[1:])).to_be_visible()
